use fintrac_kit::access::By;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::session_service_server::SessionService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Rpc, convert};
use crate::store::devices::KnownDevice;

fn device(device: KnownDevice, current: Option<Uuid>) -> pb::KnownDevice {
    let is_current = current == Some(device.id);
    pb::KnownDevice { is_current, ..device.into() }
}

#[tonic::async_trait]
impl SessionService for Rpc {
    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let by = By::of(&request)?;
        let sessions = self.0.list_sessions(&by).await?.into_iter().map(|session| {
            let is_current = session.id == by.principal.session_id;
            pb::Session { is_current, ..session.into() }
        });
        Ok(Response::new(pb::ListSessionsResponse { sessions: sessions.collect() }))
    }

    async fn reauthenticate(
        &self,
        request: Request<pb::ReauthenticateRequest>,
    ) -> Result<Response<pb::ReauthenticateResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ReauthenticateRequest { password, code } = request.into_inner();
        self.0.reauthenticate(&by, password.into(), &code).await?;
        Ok(Response::new(pb::ReauthenticateResponse {}))
    }

    async fn end_session(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Result<Response<pb::EndSessionResponse>, Status> {
        let by = By::of(&request)?;
        let session_id = convert::path_id(&request.into_inner().session_id, "session")?;
        self.0.end_one_session(&by, session_id).await?;
        Ok(Response::new(pb::EndSessionResponse {}))
    }

    async fn list_devices(
        &self,
        request: Request<pb::ListDevicesRequest>,
    ) -> Result<Response<pb::ListDevicesResponse>, Status> {
        let (devices, current) = self.0.list_devices(&By::of(&request)?).await?;
        let devices = devices.into_iter().map(|it| device(it, current)).collect();
        Ok(Response::new(pb::ListDevicesResponse { devices }))
    }

    async fn update_device(
        &self,
        request: Request<pb::UpdateDeviceRequest>,
    ) -> Result<Response<pb::UpdateDeviceResponse>, Status> {
        let by = By::of(&request)?;
        let pb::UpdateDeviceRequest { device_id, if_version, is_trusted } = request.into_inner();
        let device_id = convert::path_id(&device_id, "device")?;
        let (found, current) = self.0.update_device(&by, device_id, is_trusted, if_version).await?;
        Ok(Response::new(pb::UpdateDeviceResponse { device: Some(device(found, current)) }))
    }

    async fn forget_device(
        &self,
        request: Request<pb::ForgetDeviceRequest>,
    ) -> Result<Response<pb::ForgetDeviceResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ForgetDeviceRequest { device_id, if_version } = request.into_inner();
        self.0.forget_device(&by, convert::path_id(&device_id, "device")?, if_version).await?;
        Ok(Response::new(pb::ForgetDeviceResponse {}))
    }
}
