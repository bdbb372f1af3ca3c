use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mfa_service_server::MfaService;
use kit_service::handler::{RpcResult, read, respond};
use tonic::{Request, Response};

use super::Rpc;
use crate::domain::second_factor::Enrollment;

#[tonic::async_trait]
impl MfaService for Rpc {
    async fn enroll_totp(
        &self,
        request: Request<pb::EnrollTotpRequest>,
    ) -> RpcResult<pb::EnrollTotpResponse> {
        let (ctx, pb::EnrollTotpRequest {}) = read(request)?;
        let Enrollment { secret, otpauth_uri, qr_svg } = self.0.enroll_totp(&ctx).await?;
        Ok(Response::new(pb::EnrollTotpResponse { secret, otpauth_uri, qr_svg }))
    }

    async fn confirm_totp(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> RpcResult<pb::ConfirmTotpResponse> {
        let (ctx, pb::ConfirmTotpRequest { code }) = read(request)?;
        let recovery_codes = self.0.confirm_totp(&ctx, &code).await?;
        Ok(Response::new(pb::ConfirmTotpResponse { recovery_codes }))
    }

    async fn remove_totp(
        &self,
        request: Request<pb::RemoveTotpRequest>,
    ) -> RpcResult<pb::RemoveTotpResponse> {
        let (ctx, pb::RemoveTotpRequest { password, code }) = read(request)?;
        respond(&self.0.remove_totp(&ctx, &password, &code).await?)
    }
}
