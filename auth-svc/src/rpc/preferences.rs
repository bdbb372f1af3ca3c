use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::preferences_service_server::PreferencesService;
use kit_service::handler::{RpcResult, execute, read, respond};
use tonic::Request;

use super::{Rpc, convert, read_unauthenticated};

#[tonic::async_trait]
impl PreferencesService for Rpc {
    async fn get_preferences(
        &self,
        request: Request<pb::GetPreferencesRequest>,
    ) -> RpcResult<pb::GetPreferencesResponse> {
        let (ctx, pb::GetPreferencesRequest {}) = read(request)?;
        respond(&self.0.get_preferences(&ctx).await?)
    }

    async fn unsubscribe(
        &self,
        request: Request<pb::UnsubscribeRequest>,
    ) -> RpcResult<pb::UnsubscribeResponse> {
        let (origin, pb::UnsubscribeRequest { token }) = read_unauthenticated(request);
        respond(&self.0.unsubscribe(&token, &origin).await?)
    }

    async fn update_preferences(
        &self,
        request: Request<pb::UpdatePreferencesRequest>,
    ) -> RpcResult<pb::UpdatePreferencesResponse> {
        execute(request, async |ctx, request| {
            let expected_version = request.expected_version;
            self.0.update_preferences(&ctx, &convert::preferences_changes(request), expected_version).await
        })
        .await
    }
}
