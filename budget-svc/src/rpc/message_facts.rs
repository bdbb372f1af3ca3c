use fintrac_kit::day;
use fintrac_kit::error::Violation;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::message_facts_service_server::MessageFactsService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::error::Error;

#[tonic::async_trait]
impl MessageFactsService for Rpc {
    async fn get_budget_alert(
        &self,
        request: Request<pb::GetBudgetAlertRequest>,
    ) -> Result<Response<pb::GetBudgetAlertResponse>, Status> {
        let pb::GetBudgetAlertRequest { household_id, alert_id } = request.into_inner();
        let household_id = convert::id(&household_id, "alert")?;
        let alert = self.0.get_alert(household_id, convert::id(&alert_id, "alert")?).await?;
        Ok(Response::new(alert.into()))
    }

    async fn get_goal_milestone(
        &self,
        request: Request<pb::GetGoalMilestoneRequest>,
    ) -> Result<Response<pb::GetGoalMilestoneResponse>, Status> {
        let pb::GetGoalMilestoneRequest { household_id, milestone_id } = request.into_inner();
        let household_id = convert::id(&household_id, "milestone")?;
        let milestone = self.0.get_milestone(household_id, convert::id(&milestone_id, "milestone")?).await?;
        Ok(Response::new(milestone.into()))
    }

    async fn get_goal_reminder(
        &self,
        request: Request<pb::GetGoalReminderRequest>,
    ) -> Result<Response<pb::GetGoalReminderResponse>, Status> {
        let pb::GetGoalReminderRequest { household_id, reminder_id } = request.into_inner();
        let household_id = convert::id(&household_id, "reminder")?;
        let reminder = self.0.get_reminder(household_id, convert::id(&reminder_id, "reminder")?).await?;
        Ok(Response::new(reminder.into()))
    }

    async fn list_plan_facts(
        &self,
        request: Request<pb::ListPlanFactsRequest>,
    ) -> Result<Response<pb::ListPlanFactsResponse>, Status> {
        let pb::ListPlanFactsRequest { household_id, date } = request.into_inner();
        let household_id = convert::id(&household_id, "household")?;
        let day = day::parse(&date).ok_or_else(|| {
            let violation = Violation::new("date", "PARAMETER_INVALID", "Send a day as YYYY-MM-DD.");
            Status::from(Error::Query(vec![violation]))
        })?;
        let (budgets, goals) = self.0.list_plans(household_id, day).await?;
        Ok(Response::new(pb::ListPlanFactsResponse {
            budgets: budgets.into_iter().map(Into::into).collect(),
            goals: goals.iter().map(Into::into).collect(),
        }))
    }
}
