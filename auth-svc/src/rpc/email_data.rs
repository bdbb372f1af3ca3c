use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_server::EmailDataService;
use kit_core::clock::timestamp;
use kit_service::handler::{RpcResult, respond};
use tonic::{Request, Response};
use uuid::Uuid;

use super::Rpc;
use super::convert::{device_name, parse_id};

#[tonic::async_trait]
impl EmailDataService for Rpc {
    async fn get_recipient(
        &self,
        request: Request<pb::GetRecipientRequest>,
    ) -> RpcResult<pb::GetRecipientResponse> {
        let pb::GetRecipientRequest { user_id, kind } = request.into_inner();
        let (recipient, token) = self.0.get_recipient(parse_id(&user_id)?, &kind).await?;
        let (recipient, unsubscribe_token) = (Some((&recipient).into()), token.unwrap_or_default());
        Ok(Response::new(pb::GetRecipientResponse { recipient, unsubscribe_token }))
    }

    async fn list_subscribers(
        &self,
        request: Request<pb::ListSubscribersRequest>,
    ) -> RpcResult<pb::ListSubscribersResponse> {
        let pb::ListSubscribersRequest { household_id, kind } = request.into_inner();
        let subscribers = self.0.list_subscribers(parse_id(&household_id)?, &kind).await?;
        let subscribers = subscribers.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListSubscribersResponse { subscribers }))
    }

    async fn list_household_timezones(
        &self,
        request: Request<pb::ListHouseholdTimezonesRequest>,
    ) -> RpcResult<pb::ListHouseholdTimezonesResponse> {
        let after = request.into_inner().after;
        let after = if after.is_empty() { Uuid::nil() } else { parse_id(&after)? };
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
    ) -> RpcResult<pb::ListLargeTransactionLimitsResponse> {
        let ids = request.into_inner().household_ids;
        let ids = ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>, _>>()?;
        let limits = self.0.list_large_transaction_limits(&ids).await?;
        let limits = limits.iter().map(|limit| pb::LargeTransactionLimit {
            household_id: limit.household_id.to_string(),
            user_id: limit.user_id.to_string(),
            limit: limit.limit.to_string(),
        });
        Ok(Response::new(pb::ListLargeTransactionLimitsResponse { limits: limits.collect() }))
    }

    async fn get_challenge_data(
        &self,
        request: Request<pb::GetChallengeDataRequest>,
    ) -> RpcResult<pb::GetChallengeDataResponse> {
        let data = self.0.get_challenge_data(parse_id(&request.into_inner().challenge_id)?).await?;
        let (recipient, code) = (Some((&data.recipient).into()), data.code.unwrap_or_default());
        Ok(Response::new(pb::GetChallengeDataResponse { recipient, token: data.token, code }))
    }

    async fn get_device_data(
        &self,
        request: Request<pb::GetDeviceDataRequest>,
    ) -> RpcResult<pb::GetDeviceDataResponse> {
        let pb::GetDeviceDataRequest { user_id, device_id } = request.into_inner();
        let (user_id, device_id) = (parse_id(&user_id)?, parse_id(&device_id)?);
        let (recipient, summary) = self.0.get_device_data(user_id, device_id).await?;
        Ok(Response::new(pb::GetDeviceDataResponse {
            recipient: Some((&recipient).into()),
            name: device_name(&summary.name, &summary.user_agent),
            client_ip: summary.client_ip.unwrap_or_default(),
            first_seen_at: Some(timestamp(summary.first_seen_at)),
        }))
    }

    async fn get_deletion_data(
        &self,
        request: Request<pb::GetDeletionDataRequest>,
    ) -> RpcResult<pb::GetDeletionDataResponse> {
        let user_id = parse_id(&request.into_inner().user_id)?;
        let (recipient, erase_at) = self.0.get_deletion_data(user_id).await?;
        let (recipient, erased_at) = (Some((&recipient).into()), erase_at.map(timestamp));
        Ok(Response::new(pb::GetDeletionDataResponse { recipient, erased_at }))
    }

    async fn get_previous_recipient(
        &self,
        request: Request<pb::GetPreviousRecipientRequest>,
    ) -> RpcResult<pb::GetPreviousRecipientResponse> {
        respond(&self.0.get_previous_recipient(parse_id(&request.into_inner().challenge_id)?).await?)
    }
}
