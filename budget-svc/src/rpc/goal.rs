use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::goal_service_server::GoalService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::contribution::{Contribution, Direction};
use crate::service::GoalStatus;

fn created(goal: &GoalStatus) -> pb::CreateGoalResponse {
    pb::CreateGoalResponse { goal: Some(goal.into()) }
}

fn updated(goal: &GoalStatus) -> pb::UpdateGoalResponse {
    pb::UpdateGoalResponse { goal: Some(goal.into()) }
}

fn contributed(contribution: &Contribution) -> pb::ContributeResponse {
    pb::ContributeResponse { contribution: Some(contribution.into()) }
}

fn withdrawn(contribution: &Contribution) -> pb::WithdrawResponse {
    pb::WithdrawResponse { contribution: Some(contribution.into()) }
}

#[tonic::async_trait]
impl GoalService for Rpc {
    async fn list_goals(
        &self,
        request: Request<pb::ListGoalsRequest>,
    ) -> Result<Response<pb::ListGoalsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListGoalsRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_goals(&ctx, page_size, &page_token).await?;
        let goals = page.rows.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListGoalsResponse {
            goals,
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_goal(
        &self,
        request: Request<pb::CreateGoalRequest>,
    ) -> Result<Response<pb::CreateGoalResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "GoalService/CreateGoal")?;
        let encode = |goal: &GoalStatus| created(goal).encode_to_vec();
        let stored = self.0.create_goal(&ctx, request.into_inner().into(), key, encode).await?;
        idempotency::response(stored, |goal| created(&goal))
    }

    async fn get_goal(
        &self,
        request: Request<pb::GetGoalRequest>,
    ) -> Result<Response<pb::GetGoalResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let goal = self.0.get_goal(&ctx, convert::parse_id(&request.into_inner().goal_id, "goal")?).await?;
        Ok(Response::new(pb::GetGoalResponse { goal: Some((&goal).into()) }))
    }

    async fn update_goal(
        &self,
        request: Request<pb::UpdateGoalRequest>,
    ) -> Result<Response<pb::UpdateGoalResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "GoalService/UpdateGoal")?;
        let request = request.into_inner();
        let (id, expected_version) = (convert::parse_id(&request.goal_id, "goal")?, request.expected_version);
        let changes = convert::goal_changes(request);
        let encode = |goal: &GoalStatus| updated(goal).encode_to_vec();
        let stored = self.0.update_goal(&ctx, id, changes, expected_version, key, encode).await?;
        idempotency::response(stored, |goal| updated(&goal))
    }

    async fn delete_goal(
        &self,
        request: Request<pb::DeleteGoalRequest>,
    ) -> Result<Response<pb::DeleteGoalResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "GoalService/DeleteGoal")?;
        let pb::DeleteGoalRequest { goal_id, expected_version } = request.into_inner();
        self.0.delete_goal(&ctx, convert::parse_id(&goal_id, "goal")?, expected_version, key).await?;
        Ok(Response::new(pb::DeleteGoalResponse {}))
    }

    async fn contribute(
        &self,
        request: Request<pb::ContributeRequest>,
    ) -> Result<Response<pb::ContributeResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "GoalService/Contribute")?;
        let request = request.into_inner();
        let goal_id = convert::parse_id(&request.goal_id, "goal")?;
        let encode = |contribution: &Contribution| contributed(contribution).encode_to_vec();
        let direction = Direction::Contribution;
        let stored = self.0.contribute(&ctx, goal_id, direction, request.into(), key, encode).await?;
        idempotency::response(stored, |contribution| contributed(&contribution))
    }

    async fn withdraw(
        &self,
        request: Request<pb::WithdrawRequest>,
    ) -> Result<Response<pb::WithdrawResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "GoalService/Withdraw")?;
        let request = request.into_inner();
        let goal_id = convert::parse_id(&request.goal_id, "goal")?;
        let encode = |contribution: &Contribution| withdrawn(contribution).encode_to_vec();
        let direction = Direction::Withdrawal;
        let stored = self.0.contribute(&ctx, goal_id, direction, request.into(), key, encode).await?;
        idempotency::response(stored, |contribution| withdrawn(&contribution))
    }

    async fn list_contributions(
        &self,
        request: Request<pb::ListContributionsRequest>,
    ) -> Result<Response<pb::ListContributionsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListContributionsRequest { goal_id, page_size, page_token } = request.into_inner();
        let goal_id = convert::parse_id(&goal_id, "goal")?;
        let page = self.0.list_contributions(&ctx, goal_id, page_size, &page_token).await?;
        let contributions = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListContributionsResponse { contributions, next_page_token }))
    }
}
