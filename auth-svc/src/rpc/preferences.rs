use fintrac_kit::access::{Caller, RequestContext};
use fintrac_kit::idempotency;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::preferences_service_server::PreferencesService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::service::Settings;

fn updated(settings: &Settings) -> pb::UpdatePreferencesResponse {
    pb::UpdatePreferencesResponse { preferences: Some(settings.into()) }
}

#[tonic::async_trait]
impl PreferencesService for Rpc {
    async fn get_preferences(
        &self,
        request: Request<pb::GetPreferencesRequest>,
    ) -> Result<Response<pb::GetPreferencesResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let settings = self.0.get_preferences(&ctx.principal).await?;
        Ok(Response::new(pb::GetPreferencesResponse { preferences: Some((&settings).into()) }))
    }

    async fn unsubscribe(
        &self,
        request: Request<pb::UnsubscribeRequest>,
    ) -> Result<Response<pb::UnsubscribeResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        self.0.unsubscribe(&request.into_inner().token, &origin).await?;
        Ok(Response::new(pb::UnsubscribeResponse {}))
    }

    async fn update_preferences(
        &self,
        request: Request<pb::UpdatePreferencesRequest>,
    ) -> Result<Response<pb::UpdatePreferencesResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "PreferencesService/UpdatePreferences")?;
        let request = request.into_inner();
        let expected_version = request.expected_version;
        let changes = convert::preferences_changes(request);
        let encode = |settings: &Settings| updated(settings).encode_to_vec();
        let stored = self.0.update_preferences(&ctx, &changes, expected_version, key, encode).await?;
        idempotency::response(stored, |settings| updated(&settings))
    }
}
