use fintrac_kit::access::RequestContext;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mfa_service_server::MfaService;
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl MfaService for Rpc {
    async fn enroll_totp(
        &self,
        request: Request<pb::EnrollTotpRequest>,
    ) -> Result<Response<pb::EnrollTotpResponse>, Status> {
        Ok(Response::new(self.0.enroll_totp(&RequestContext::from_request(&request)?).await?.into()))
    }

    async fn confirm_totp(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> Result<Response<pb::ConfirmTotpResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let recovery_codes = self.0.confirm_totp(&ctx, &request.into_inner().code).await?;
        Ok(Response::new(pb::ConfirmTotpResponse { recovery_codes }))
    }

    async fn remove_totp(
        &self,
        request: Request<pb::RemoveTotpRequest>,
    ) -> Result<Response<pb::RemoveTotpResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::RemoveTotpRequest { password, code } = request.into_inner();
        self.0.remove_totp(&ctx, &password, &code).await?;
        Ok(Response::new(pb::RemoveTotpResponse {}))
    }
}
