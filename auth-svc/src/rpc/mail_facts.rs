use fintrac_kit::clock::timestamp;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mail_facts_service_server::MailFactsService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Rpc, convert};

#[tonic::async_trait]
impl MailFactsService for Rpc {
    async fn get_recipient(
        &self,
        request: Request<pb::GetRecipientRequest>,
    ) -> Result<Response<pb::GetRecipientResponse>, Status> {
        let pb::GetRecipientRequest { user_id, kind } = request.into_inner();
        let (recipient, token) = self.0.get_recipient(convert::id(&user_id)?, &kind).await?;
        let unsubscribe_token = token.unwrap_or_default();
        Ok(Response::new(pb::GetRecipientResponse { recipient: Some(recipient.into()), unsubscribe_token }))
    }

    async fn list_audience(
        &self,
        request: Request<pb::ListAudienceRequest>,
    ) -> Result<Response<pb::ListAudienceResponse>, Status> {
        let pb::ListAudienceRequest { household_id, kind } = request.into_inner();
        let listeners = self.0.list_audience(convert::id(&household_id)?, &kind).await?;
        let listeners = listeners.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListAudienceResponse { listeners }))
    }

    async fn list_households(
        &self,
        request: Request<pb::ListHouseholdsRequest>,
    ) -> Result<Response<pb::ListHouseholdsResponse>, Status> {
        let after = request.into_inner().after;
        let after = if after.is_empty() { Uuid::nil() } else { convert::id(&after)? };
        let households = self.0.list_households(after).await?;
        let households = households.into_iter().map(|(id, timezone)| {
            let household_id = id.to_string();
            pb::HouseholdZone { household_id, timezone }
        });
        Ok(Response::new(pb::ListHouseholdsResponse { households: households.collect() }))
    }

    async fn list_large_transaction_limits(
        &self,
        request: Request<pb::ListLargeTransactionLimitsRequest>,
    ) -> Result<Response<pb::ListLargeTransactionLimitsResponse>, Status> {
        let ids = request.into_inner().household_ids;
        let ids = ids.iter().map(|id| convert::id(id)).collect::<Result<Vec<_>, _>>()?;
        let limits = self.0.list_large_transaction_limits(&ids).await?;
        let limits = limits.into_iter().map(|it| pb::LargeTransactionLimit {
            household_id: it.household_id.to_string(),
            user_id: it.user_id.to_string(),
            limit: it.limit.to_string(),
        });
        Ok(Response::new(pb::ListLargeTransactionLimitsResponse { limits: limits.collect() }))
    }

    async fn get_challenge(
        &self,
        request: Request<pb::GetChallengeRequest>,
    ) -> Result<Response<pb::GetChallengeResponse>, Status> {
        let secrets = self.0.get_challenge(convert::id(&request.into_inner().challenge_id)?).await?;
        Ok(Response::new(secrets.into()))
    }

    async fn get_device_facts(
        &self,
        request: Request<pb::GetDeviceFactsRequest>,
    ) -> Result<Response<pb::GetDeviceFactsResponse>, Status> {
        let pb::GetDeviceFactsRequest { user_id, device_id } = request.into_inner();
        let (user_id, device_id) = (convert::id(&user_id)?, convert::id(&device_id)?);
        let (recipient, facts) = self.0.get_device_facts(user_id, device_id).await?;
        let name = if facts.name.is_empty() { facts.user_agent } else { facts.name };
        Ok(Response::new(pb::GetDeviceFactsResponse {
            recipient: Some(recipient.into()),
            name,
            client_ip: facts.client_ip.unwrap_or_default(),
            first_seen_at: Some(timestamp(facts.first_seen_at)),
        }))
    }

    async fn get_deletion_facts(
        &self,
        request: Request<pb::GetDeletionFactsRequest>,
    ) -> Result<Response<pb::GetDeletionFactsResponse>, Status> {
        let user_id = convert::id(&request.into_inner().user_id)?;
        let (recipient, erase_at) = self.0.get_deletion_facts(user_id).await?;
        let (recipient, erased_at) = (Some(recipient.into()), erase_at.map(timestamp));
        Ok(Response::new(pb::GetDeletionFactsResponse { recipient, erased_at }))
    }

    async fn get_former_address(
        &self,
        request: Request<pb::GetFormerAddressRequest>,
    ) -> Result<Response<pb::GetFormerAddressResponse>, Status> {
        let recipient = self.0.get_former_address(convert::id(&request.into_inner().challenge_id)?).await?;
        Ok(Response::new(pb::GetFormerAddressResponse { recipient: Some(recipient.into()) }))
    }
}
