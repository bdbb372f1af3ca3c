use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mail_facts_service_server::MailFactsService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

#[tonic::async_trait]
impl MailFactsService for Rpc {
    async fn get_recipient(
        &self,
        request: Request<pb::GetRecipientRequest>,
    ) -> Result<Response<pb::GetRecipientResponse>, Status> {
        let recipient = self.0.get_recipient(convert::id(&request.into_inner().user_id)?).await?;
        Ok(Response::new(pb::GetRecipientResponse { recipient: Some(recipient.into()) }))
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

    async fn get_challenge(
        &self,
        request: Request<pb::GetChallengeRequest>,
    ) -> Result<Response<pb::GetChallengeResponse>, Status> {
        let secrets = self.0.get_challenge(convert::id(&request.into_inner().challenge_id)?).await?;
        Ok(Response::new(secrets.into()))
    }
}
