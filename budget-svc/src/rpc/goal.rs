use fintrac_kit::access::By;
use fintrac_kit::idempotency;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::goal_service_server::GoalService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::contribution::{Contribution, Direction};
use crate::service::GoalToday;

fn created(goal: &GoalToday) -> pb::CreateGoalResponse {
    pb::CreateGoalResponse { goal: Some(goal.into()) }
}

fn updated(goal: &GoalToday) -> pb::UpdateGoalResponse {
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
        let by = By::of(&request)?;
        let pb::ListGoalsRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_goals(&by, page_size, &page_token).await?;
        let goals = page.rows.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListGoalsResponse { goals, next_page_token: page.next.unwrap_or_default() }))
    }

    async fn create_goal(
        &self,
        request: Request<pb::CreateGoalRequest>,
    ) -> Result<Response<pb::CreateGoalResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "GoalService/CreateGoal")?;
        let encode = |goal: &GoalToday| created(goal).encode_to_vec();
        let kept = self.0.create_goal(&by, request.into_inner().into(), key, encode).await?;
        idempotency::answer(kept, |goal| created(&goal))
    }

    async fn get_goal(
        &self,
        request: Request<pb::GetGoalRequest>,
    ) -> Result<Response<pb::GetGoalResponse>, Status> {
        let by = By::of(&request)?;
        let goal = self.0.get_goal(&by, convert::id(&request.into_inner().goal_id, "goal")?).await?;
        Ok(Response::new(pb::GetGoalResponse { goal: Some((&goal).into()) }))
    }

    async fn update_goal(
        &self,
        request: Request<pb::UpdateGoalRequest>,
    ) -> Result<Response<pb::UpdateGoalResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "GoalService/UpdateGoal")?;
        let request = request.into_inner();
        let (id, if_version) = (convert::id(&request.goal_id, "goal")?, request.if_version);
        let changes = convert::goal_changes(request);
        let encode = |goal: &GoalToday| updated(goal).encode_to_vec();
        let kept = self.0.update_goal(&by, id, changes, if_version, key, encode).await?;
        idempotency::answer(kept, |goal| updated(&goal))
    }

    async fn delete_goal(
        &self,
        request: Request<pb::DeleteGoalRequest>,
    ) -> Result<Response<pb::DeleteGoalResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "GoalService/DeleteGoal")?;
        let pb::DeleteGoalRequest { goal_id, if_version } = request.into_inner();
        self.0.delete_goal(&by, convert::id(&goal_id, "goal")?, if_version, key).await?;
        Ok(Response::new(pb::DeleteGoalResponse {}))
    }

    async fn contribute(
        &self,
        request: Request<pb::ContributeRequest>,
    ) -> Result<Response<pb::ContributeResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "GoalService/Contribute")?;
        let request = request.into_inner();
        let goal_id = convert::id(&request.goal_id, "goal")?;
        let encode = |contribution: &Contribution| contributed(contribution).encode_to_vec();
        let direction = Direction::Contribution;
        let kept = self.0.contribute(&by, goal_id, direction, request.into(), key, encode).await?;
        idempotency::answer(kept, |contribution| contributed(&contribution))
    }

    async fn withdraw(
        &self,
        request: Request<pb::WithdrawRequest>,
    ) -> Result<Response<pb::WithdrawResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "GoalService/Withdraw")?;
        let request = request.into_inner();
        let goal_id = convert::id(&request.goal_id, "goal")?;
        let encode = |contribution: &Contribution| withdrawn(contribution).encode_to_vec();
        let direction = Direction::Withdrawal;
        let kept = self.0.contribute(&by, goal_id, direction, request.into(), key, encode).await?;
        idempotency::answer(kept, |contribution| withdrawn(&contribution))
    }

    async fn list_contributions(
        &self,
        request: Request<pb::ListContributionsRequest>,
    ) -> Result<Response<pb::ListContributionsResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListContributionsRequest { goal_id, page_size, page_token } = request.into_inner();
        let goal_id = convert::id(&goal_id, "goal")?;
        let page = self.0.list_contributions(&by, goal_id, page_size, &page_token).await?;
        let contributions = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListContributionsResponse { contributions, next_page_token }))
    }
}
