use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::household_service_server::HouseholdService;
use kit_service::handler::{RpcResult, respond};
use tonic::{Request, Response};

use super::Rpc;
use super::convert::parse_id;

#[tonic::async_trait]
impl HouseholdService for Rpc {
    async fn get_household(
        &self,
        request: Request<pb::GetHouseholdRequest>,
    ) -> RpcResult<pb::GetHouseholdResponse> {
        respond(&self.0.get_household(parse_id(&request.into_inner().household_id)?).await?)
    }

    async fn get_member(&self, request: Request<pb::GetMemberRequest>) -> RpcResult<pb::GetMemberResponse> {
        let pb::GetMemberRequest { household_id, user_id } = request.into_inner();
        let (household_id, user_id) = (parse_id(&household_id)?, parse_id(&user_id)?);
        let default_currency = self.0.get_default_currency(household_id, user_id).await?;
        Ok(Response::new(pb::GetMemberResponse { default_currency }))
    }
}
