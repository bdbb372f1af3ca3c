use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::message_facts_service_server::MessageFactsService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

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
}
