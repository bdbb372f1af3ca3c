use fintrac_kit::access::Caller;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::user_service_server::UserService;
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_me(
        &self,
        request: Request<pb::GetMeRequest>,
    ) -> Result<Response<pb::GetMeResponse>, Status> {
        let caller = Caller::of(&request);
        let me = self.0.get_me(caller.user()?).await?;
        Ok(Response::new(pb::GetMeResponse { user: Some(me.into()) }))
    }
}
