use fintrac_kit::access::{Caller, RequestContext};
use fintrac_kit::clock::timestamp;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::user_service_server::UserService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_me(
        &self,
        request: Request<pb::GetMeRequest>,
    ) -> Result<Response<pb::GetMeResponse>, Status> {
        let caller = Caller::from_request(&request);
        let me = self.0.get_me(caller.user()?).await?;
        Ok(Response::new(pb::GetMeResponse { user: Some(me.into()) }))
    }

    async fn update_me(
        &self,
        request: Request<pb::UpdateMeRequest>,
    ) -> Result<Response<pb::UpdateMeResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let mut request = request.into_inner();
        let (expected_version, password) = (request.expected_version, std::mem::take(&mut request.password));
        let changes = convert::profile_changes(request);
        let me = self.0.update_me(&ctx, &changes, password.into(), expected_version).await?;
        Ok(Response::new(pb::UpdateMeResponse { user: Some(me.into()) }))
    }

    async fn delete_me(
        &self,
        request: Request<pb::DeleteMeRequest>,
    ) -> Result<Response<pb::DeleteMeResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::DeleteMeRequest { password, code, expected_version } = request.into_inner();
        let erase_at = self.0.delete_me(&ctx, &password, &code, expected_version).await?;
        Ok(Response::new(pb::DeleteMeResponse { erased_at: Some(timestamp(erase_at)) }))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ChangePasswordRequest { current_password, new_password } = request.into_inner();
        self.0.change_password(&ctx, &current_password, &new_password).await?;
        Ok(Response::new(pb::ChangePasswordResponse {}))
    }
}
