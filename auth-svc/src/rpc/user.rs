use fintrac_kit::access::{Caller, RequestContext};
use fintrac_kit::clock::timestamp;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::user_service_server::UserService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_current_user(
        &self,
        request: Request<pb::GetCurrentUserRequest>,
    ) -> Result<Response<pb::GetCurrentUserResponse>, Status> {
        let caller = Caller::from_request(&request);
        let current_user = self.0.get_current_user(caller.user()?).await?;
        Ok(Response::new(pb::GetCurrentUserResponse { user: Some(current_user.into()) }))
    }

    async fn update_current_user(
        &self,
        request: Request<pb::UpdateCurrentUserRequest>,
    ) -> Result<Response<pb::UpdateCurrentUserResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let mut request = request.into_inner();
        let (expected_version, password) = (request.expected_version, std::mem::take(&mut request.password));
        let changes = convert::profile_changes(request);
        let current_user =
            self.0.update_current_user(&ctx, &changes, password.into(), expected_version).await?;
        Ok(Response::new(pb::UpdateCurrentUserResponse { user: Some(current_user.into()) }))
    }

    async fn delete_current_user(
        &self,
        request: Request<pb::DeleteCurrentUserRequest>,
    ) -> Result<Response<pb::DeleteCurrentUserResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::DeleteCurrentUserRequest { password, code, expected_version } = request.into_inner();
        let erase_at = self.0.delete_current_user(&ctx, &password, &code, expected_version).await?;
        Ok(Response::new(pb::DeleteCurrentUserResponse { erased_at: Some(timestamp(erase_at)) }))
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
