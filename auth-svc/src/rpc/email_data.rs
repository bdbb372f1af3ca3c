use fintrac_kit::clock::timestamp;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_server::EmailDataService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Rpc, convert};

#[tonic::async_trait]
impl EmailDataService for Rpc {
    async fn get_recipient(
        &self,
        request: Request<pb::GetRecipientRequest>,
    ) -> Result<Response<pb::GetRecipientResponse>, Status> {
        let pb::GetRecipientRequest { user_id, kind } = request.into_inner();
        let (recipient, token) = self.0.get_recipient(convert::parse_id(&user_id)?, &kind).await?;
        let unsubscribe_token = token.unwrap_or_default();
        Ok(Response::new(pb::GetRecipientResponse { recipient: Some(recipient.into()), unsubscribe_token }))
    }

    async fn list_subscribers(
        &self,
        request: Request<pb::ListSubscribersRequest>,
    ) -> Result<Response<pb::ListSubscribersResponse>, Status> {
        let pb::ListSubscribersRequest { household_id, kind } = request.into_inner();
        let recipients = self.0.list_subscribers(convert::parse_id(&household_id)?, &kind).await?;
        let subscribers = recipients.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListSubscribersResponse { subscribers }))
    }

    async fn list_household_timezones(
        &self,
        request: Request<pb::ListHouseholdTimezonesRequest>,
    ) -> Result<Response<pb::ListHouseholdTimezonesResponse>, Status> {
        let after = request.into_inner().after;
        let after = if after.is_empty() { Uuid::nil() } else { convert::parse_id(&after)? };
        let households = self.0.list_household_timezones(after).await?;
        let households = households.into_iter().map(|(id, timezone)| {
            let household_id = id.to_string();
            pb::HouseholdTimezone { household_id, timezone }
        });
        Ok(Response::new(pb::ListHouseholdTimezonesResponse { households: households.collect() }))
    }

    async fn list_large_transaction_limits(
        &self,
        request: Request<pb::ListLargeTransactionLimitsRequest>,
    ) -> Result<Response<pb::ListLargeTransactionLimitsResponse>, Status> {
        let ids = request.into_inner().household_ids;
        let ids = ids.iter().map(|id| convert::parse_id(id)).collect::<Result<Vec<_>, _>>()?;
        let limits = self.0.list_large_transaction_limits(&ids).await?;
        let limits = limits.into_iter().map(|limit| pb::LargeTransactionLimit {
            household_id: limit.household_id.to_string(),
            user_id: limit.user_id.to_string(),
            limit: limit.limit.to_string(),
        });
        Ok(Response::new(pb::ListLargeTransactionLimitsResponse { limits: limits.collect() }))
    }

    async fn get_challenge_data(
        &self,
        request: Request<pb::GetChallengeDataRequest>,
    ) -> Result<Response<pb::GetChallengeDataResponse>, Status> {
        let secrets =
            self.0.get_challenge_data(convert::parse_id(&request.into_inner().challenge_id)?).await?;
        Ok(Response::new(secrets.into()))
    }

    async fn get_device_data(
        &self,
        request: Request<pb::GetDeviceDataRequest>,
    ) -> Result<Response<pb::GetDeviceDataResponse>, Status> {
        let pb::GetDeviceDataRequest { user_id, device_id } = request.into_inner();
        let (user_id, device_id) = (convert::parse_id(&user_id)?, convert::parse_id(&device_id)?);
        let (recipient, summary) = self.0.get_device_data(user_id, device_id).await?;
        let name = if summary.name.is_empty() { summary.user_agent } else { summary.name };
        Ok(Response::new(pb::GetDeviceDataResponse {
            recipient: Some(recipient.into()),
            name,
            client_ip: summary.client_ip.unwrap_or_default(),
            first_seen_at: Some(timestamp(summary.first_seen_at)),
        }))
    }

    async fn get_deletion_data(
        &self,
        request: Request<pb::GetDeletionDataRequest>,
    ) -> Result<Response<pb::GetDeletionDataResponse>, Status> {
        let user_id = convert::parse_id(&request.into_inner().user_id)?;
        let (recipient, erase_at) = self.0.get_deletion_data(user_id).await?;
        let (recipient, erased_at) = (Some(recipient.into()), erase_at.map(timestamp));
        Ok(Response::new(pb::GetDeletionDataResponse { recipient, erased_at }))
    }

    async fn get_previous_recipient(
        &self,
        request: Request<pb::GetPreviousRecipientRequest>,
    ) -> Result<Response<pb::GetPreviousRecipientResponse>, Status> {
        let recipient =
            self.0.get_previous_recipient(convert::parse_id(&request.into_inner().challenge_id)?).await?;
        Ok(Response::new(pb::GetPreviousRecipientResponse { recipient: Some(recipient.into()) }))
    }
}
