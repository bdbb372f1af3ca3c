use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::notification_data_service_server::NotificationDataService;
use kit_core::date;
use kit_core::error::FieldViolation;
use kit_service::handler::{RpcResult, parse_id};
use tonic::{Request, Response};

use super::Rpc;
use crate::error::Error;

#[tonic::async_trait]
impl NotificationDataService for Rpc {
    async fn get_budget_alert(
        &self,
        request: Request<pb::GetBudgetAlertRequest>,
    ) -> RpcResult<pb::GetBudgetAlertResponse> {
        let pb::GetBudgetAlertRequest { household_id, alert_id } = request.into_inner();
        let household_id = parse_id(&household_id, "alert")?;
        let alert = self.0.get_alert(household_id, parse_id(&alert_id, "alert")?).await?;
        Ok(Response::new(alert.into()))
    }

    async fn get_goal_milestone(
        &self,
        request: Request<pb::GetGoalMilestoneRequest>,
    ) -> RpcResult<pb::GetGoalMilestoneResponse> {
        let pb::GetGoalMilestoneRequest { household_id, milestone_id } = request.into_inner();
        let household_id = parse_id(&household_id, "milestone")?;
        let milestone = self.0.get_milestone(household_id, parse_id(&milestone_id, "milestone")?).await?;
        Ok(Response::new(milestone.into()))
    }

    async fn get_goal_reminder(
        &self,
        request: Request<pb::GetGoalReminderRequest>,
    ) -> RpcResult<pb::GetGoalReminderResponse> {
        let pb::GetGoalReminderRequest { household_id, reminder_id } = request.into_inner();
        let household_id = parse_id(&household_id, "reminder")?;
        let reminder = self.0.get_reminder(household_id, parse_id(&reminder_id, "reminder")?).await?;
        Ok(Response::new(reminder.into()))
    }

    async fn list_report_data(
        &self,
        request: Request<pb::ListReportDataRequest>,
    ) -> RpcResult<pb::ListReportDataResponse> {
        let pb::ListReportDataRequest { household_id, date } = request.into_inner();
        let household_id = parse_id(&household_id, "household")?;
        let day = date::parse(&date).ok_or_else(|| {
            let violation = FieldViolation::parameter("date", "The day must have the form YYYY-MM-DD.");
            Error::query(vec![violation])
        })?;
        let (budgets, goals) = self.0.list_summaries(household_id, day).await?;
        Ok(Response::new(pb::ListReportDataResponse {
            budgets: budgets.into_iter().map(Into::into).collect(),
            goals: goals.iter().map(Into::into).collect(),
        }))
    }
}
