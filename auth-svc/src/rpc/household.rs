use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::household_service_server::HouseholdService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

#[tonic::async_trait]
impl HouseholdService for Rpc {
    async fn get_household(
        &self,
        request: Request<pb::GetHouseholdRequest>,
    ) -> Result<Response<pb::GetHouseholdResponse>, Status> {
        let household = self.0.get_household(convert::parse_id(&request.into_inner().household_id)?).await?;
        Ok(Response::new(pb::GetHouseholdResponse { household: Some(household.into()) }))
    }

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::GetMemberResponse>, Status> {
        let pb::GetMemberRequest { household_id, user_id } = request.into_inner();
        let (household_id, user_id) = (convert::parse_id(&household_id)?, convert::parse_id(&user_id)?);
        let default_currency = self.0.get_default_currency(household_id, user_id).await?;
        Ok(Response::new(pb::GetMemberResponse { default_currency }))
    }
}
