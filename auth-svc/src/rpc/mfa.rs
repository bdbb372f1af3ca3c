use fintrac_kit::access::By;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mfa_service_server::MfaService;
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl MfaService for Rpc {
    async fn enrol_totp(
        &self,
        request: Request<pb::EnrolTotpRequest>,
    ) -> Result<Response<pb::EnrolTotpResponse>, Status> {
        Ok(Response::new(self.0.enrol_totp(&By::of(&request)?).await?.into()))
    }

    async fn confirm_totp(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> Result<Response<pb::ConfirmTotpResponse>, Status> {
        let by = By::of(&request)?;
        let recovery_codes = self.0.confirm_totp(&by, &request.into_inner().code).await?;
        Ok(Response::new(pb::ConfirmTotpResponse { recovery_codes }))
    }

    async fn remove_totp(
        &self,
        request: Request<pb::RemoveTotpRequest>,
    ) -> Result<Response<pb::RemoveTotpResponse>, Status> {
        let by = By::of(&request)?;
        let pb::RemoveTotpRequest { password, code } = request.into_inner();
        self.0.remove_totp(&by, &password, &code).await?;
        Ok(Response::new(pb::RemoveTotpResponse {}))
    }
}
