use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::security_service_server::SecurityService;
use kit_service::handler::{RpcResult, read, respond_page};
use tonic::Request;

use super::{Rpc, convert};

#[tonic::async_trait]
impl SecurityService for Rpc {
    async fn list_user_security_events(
        &self,
        request: Request<pb::ListUserSecurityEventsRequest>,
    ) -> RpcResult<pb::ListUserSecurityEventsResponse> {
        let (ctx, pb::ListUserSecurityEventsRequest { page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_user_security_events(&ctx, page_size, &page_token).await?)
    }

    async fn list_security_events(
        &self,
        request: Request<pb::ListSecurityEventsRequest>,
    ) -> RpcResult<pb::ListSecurityEventsResponse> {
        let request = request.into_inner();
        let filter = convert::security_filter(&request)?;
        respond_page(&self.0.list_security_events(&filter, request.page_size, &request.page_token).await?)
    }
}
