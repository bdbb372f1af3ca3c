use fintrac_kit::access::RequestContext;
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
        let ctx = RequestContext::from_request(&request)?;
        let sessions = self.0.list_sessions(&ctx).await?.into_iter().map(|session| {
            let is_current = session.id == ctx.principal.session_id;
            pb::Session { is_current, ..session.into() }
        });
        Ok(Response::new(pb::ListSessionsResponse { sessions: sessions.collect() }))
    }

    async fn reauthenticate(
        &self,
        request: Request<pb::ReauthenticateRequest>,
    ) -> Result<Response<pb::ReauthenticateResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ReauthenticateRequest { password, code } = request.into_inner();
        self.0.reauthenticate(&ctx, password.into(), &code).await?;
        Ok(Response::new(pb::ReauthenticateResponse {}))
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<pb::RevokeSessionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let session_id = convert::parse_path_id(&request.into_inner().session_id, "session")?;
        self.0.revoke_session(&ctx, session_id).await?;
        Ok(Response::new(pb::RevokeSessionResponse {}))
    }

    async fn list_devices(
        &self,
        request: Request<pb::ListDevicesRequest>,
    ) -> Result<Response<pb::ListDevicesResponse>, Status> {
        let (devices, current) = self.0.list_devices(&RequestContext::from_request(&request)?).await?;
        let devices = devices.into_iter().map(|row| device(row, current)).collect();
        Ok(Response::new(pb::ListDevicesResponse { devices }))
    }

    async fn update_device(
        &self,
        request: Request<pb::UpdateDeviceRequest>,
    ) -> Result<Response<pb::UpdateDeviceResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::UpdateDeviceRequest { device_id, expected_version, is_trusted } = request.into_inner();
        let device_id = convert::parse_path_id(&device_id, "device")?;
        let (found, current) = self.0.update_device(&ctx, device_id, is_trusted, expected_version).await?;
        Ok(Response::new(pb::UpdateDeviceResponse { device: Some(device(found, current)) }))
    }

    async fn delete_device(
        &self,
        request: Request<pb::DeleteDeviceRequest>,
    ) -> Result<Response<pb::DeleteDeviceResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::DeleteDeviceRequest { device_id, expected_version } = request.into_inner();
        self.0.delete_device(&ctx, convert::parse_path_id(&device_id, "device")?, expected_version).await?;
        Ok(Response::new(pb::DeleteDeviceResponse {}))
    }
}
