use fintrac_kit::access::RequestContext;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::security_service_server::SecurityService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::service::PageQuery;

#[tonic::async_trait]
impl SecurityService for Rpc {
    async fn list_user_security_events(
        &self,
        request: Request<pb::ListUserSecurityEventsRequest>,
    ) -> Result<Response<pb::ListUserSecurityEventsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListUserSecurityEventsRequest { page_size, page_token } = request.into_inner();
        let page = PageQuery { size: page_size, token: page_token };
        let page = self.0.list_user_security_events(&ctx, &page).await?;
        let events = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListUserSecurityEventsResponse { events, next_page_token }))
    }

    async fn list_security_events(
        &self,
        request: Request<pb::ListSecurityEventsRequest>,
    ) -> Result<Response<pb::ListSecurityEventsResponse>, Status> {
        let (filter, page) = convert::security_filter(request.into_inner())?;
        let page = self.0.list_security_events(&filter, &page).await?;
        let events = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListSecurityEventsResponse { events, next_page_token }))
    }
}
