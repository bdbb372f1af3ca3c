use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::goal_service_server::GoalService;
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::Request;

use super::{Rpc, convert};
use crate::domain::contribution::Direction;

#[tonic::async_trait]
impl GoalService for Rpc {
    async fn list_goals(&self, request: Request<pb::ListGoalsRequest>) -> RpcResult<pb::ListGoalsResponse> {
        let (ctx, pb::ListGoalsRequest { page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_goals(&ctx, page_size, &page_token).await?)
    }

    async fn create_goal(
        &self,
        request: Request<pb::CreateGoalRequest>,
    ) -> RpcResult<pb::CreateGoalResponse> {
        execute(request, async |ctx, request| self.0.create_goal(&ctx, request.into()).await).await
    }

    async fn get_goal(&self, request: Request<pb::GetGoalRequest>) -> RpcResult<pb::GetGoalResponse> {
        let (ctx, pb::GetGoalRequest { goal_id }) = read(request)?;
        respond(&self.0.get_goal(&ctx, parse_id(&goal_id, "goal")?).await?)
    }

    async fn update_goal(
        &self,
        request: Request<pb::UpdateGoalRequest>,
    ) -> RpcResult<pb::UpdateGoalResponse> {
        execute(request, async |ctx, request| {
            let (id, version) = (parse_id(&request.goal_id, "goal")?, request.expected_version);
            self.0.update_goal(&ctx, id, convert::goal_changes(request), version).await
        })
        .await
    }

    async fn delete_goal(
        &self,
        request: Request<pb::DeleteGoalRequest>,
    ) -> RpcResult<pb::DeleteGoalResponse> {
        execute(request, async |ctx, pb::DeleteGoalRequest { goal_id, expected_version }| {
            self.0.delete_goal(&ctx, parse_id(&goal_id, "goal")?, expected_version).await
        })
        .await
    }

    async fn contribute(&self, request: Request<pb::ContributeRequest>) -> RpcResult<pb::ContributeResponse> {
        execute(request, async |ctx, request| {
            let goal_id = parse_id(&request.goal_id, "goal")?;
            self.0.contribute(&ctx, goal_id, Direction::Contribution, request.into()).await
        })
        .await
    }

    async fn withdraw(&self, request: Request<pb::WithdrawRequest>) -> RpcResult<pb::WithdrawResponse> {
        execute(request, async |ctx, request| {
            let goal_id = parse_id(&request.goal_id, "goal")?;
            self.0.contribute(&ctx, goal_id, Direction::Withdrawal, request.into()).await
        })
        .await
    }

    async fn list_contributions(
        &self,
        request: Request<pb::ListContributionsRequest>,
    ) -> RpcResult<pb::ListContributionsResponse> {
        let (ctx, pb::ListContributionsRequest { goal_id, page_size, page_token }) = read(request)?;
        let goal_id = parse_id(&goal_id, "goal")?;
        respond_page(&self.0.list_contributions(&ctx, goal_id, page_size, &page_token).await?)
    }
}
