use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::session_service_server::SessionService;
use kit_service::handler::{RpcResult, parse_id, read, respond};
use tonic::{Request, Response};
use uuid::Uuid;

use super::Rpc;
use crate::store::devices::KnownDevice;

fn device(device: &KnownDevice, current: Option<Uuid>) -> pb::KnownDevice {
    pb::KnownDevice { is_current: current == Some(device.id), ..device.into() }
}

#[tonic::async_trait]
impl SessionService for Rpc {
    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> RpcResult<pb::ListSessionsResponse> {
        let (ctx, pb::ListSessionsRequest {}) = read(request)?;
        let sessions = self.0.list_sessions(&ctx).await?;
        let sessions = sessions.iter().map(|session| {
            let is_current = session.id == ctx.principal.session_id;
            pb::Session { is_current, ..session.into() }
        });
        Ok(Response::new(pb::ListSessionsResponse { sessions: sessions.collect() }))
    }

    async fn reauthenticate(
        &self,
        request: Request<pb::ReauthenticateRequest>,
    ) -> RpcResult<pb::ReauthenticateResponse> {
        let (ctx, pb::ReauthenticateRequest { password, code }) = read(request)?;
        respond(&self.0.reauthenticate(&ctx, password.into(), &code).await?)
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> RpcResult<pb::RevokeSessionResponse> {
        let (ctx, pb::RevokeSessionRequest { session_id }) = read(request)?;
        respond(&self.0.revoke_session(&ctx, parse_id(&session_id, "session")?).await?)
    }

    async fn list_devices(
        &self,
        request: Request<pb::ListDevicesRequest>,
    ) -> RpcResult<pb::ListDevicesResponse> {
        let (ctx, pb::ListDevicesRequest {}) = read(request)?;
        let (devices, current) = self.0.list_devices(&ctx).await?;
        let devices = devices.iter().map(|row| device(row, current)).collect();
        Ok(Response::new(pb::ListDevicesResponse { devices }))
    }

    async fn update_device(
        &self,
        request: Request<pb::UpdateDeviceRequest>,
    ) -> RpcResult<pb::UpdateDeviceResponse> {
        let (ctx, pb::UpdateDeviceRequest { device_id, expected_version, is_trusted }) = read(request)?;
        let device_id = parse_id(&device_id, "device")?;
        let (found, current) = self.0.update_device(&ctx, device_id, is_trusted, expected_version).await?;
        Ok(Response::new(pb::UpdateDeviceResponse { device: Some(device(&found, current)) }))
    }

    async fn delete_device(
        &self,
        request: Request<pb::DeleteDeviceRequest>,
    ) -> RpcResult<pb::DeleteDeviceResponse> {
        let (ctx, pb::DeleteDeviceRequest { device_id, expected_version }) = read(request)?;
        respond(&self.0.delete_device(&ctx, parse_id(&device_id, "device")?, expected_version).await?)
    }
}
