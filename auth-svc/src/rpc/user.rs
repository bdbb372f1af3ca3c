use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::user_service_server::UserService;
use kit_core::clock::timestamp;
use kit_service::handler::{RpcResult, read, respond};
use tonic::{Request, Response};

use super::{Rpc, convert};

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_current_user(
        &self,
        request: Request<pb::GetCurrentUserRequest>,
    ) -> RpcResult<pb::GetCurrentUserResponse> {
        let (ctx, pb::GetCurrentUserRequest {}) = read(request)?;
        respond(&self.0.get_current_user(&ctx).await?)
    }

    async fn update_current_user(
        &self,
        request: Request<pb::UpdateCurrentUserRequest>,
    ) -> RpcResult<pb::UpdateCurrentUserResponse> {
        let (ctx, mut request) = read(request)?;
        let (expected_version, password) = (request.expected_version, std::mem::take(&mut request.password));
        let changes = convert::profile_changes(request);
        respond(&self.0.update_current_user(&ctx, &changes, password.into(), expected_version).await?)
    }

    async fn delete_current_user(
        &self,
        request: Request<pb::DeleteCurrentUserRequest>,
    ) -> RpcResult<pb::DeleteCurrentUserResponse> {
        let (ctx, pb::DeleteCurrentUserRequest { password, code, expected_version }) = read(request)?;
        let erase_at = self.0.delete_current_user(&ctx, &password, &code, expected_version).await?;
        Ok(Response::new(pb::DeleteCurrentUserResponse { erased_at: Some(timestamp(erase_at)) }))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> RpcResult<pb::ChangePasswordResponse> {
        let (ctx, pb::ChangePasswordRequest { current_password, new_password }) = read(request)?;
        respond(&self.0.change_password(&ctx, &current_password, &new_password).await?)
    }
}
