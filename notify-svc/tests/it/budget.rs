//! A fake budget-svc: its event log and the data for notifications.

use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::notification_data_service_server::{
    NotificationDataService, NotificationDataServiceServer,
};
use fintrac_proto::events::v1::Event;
use kit_core::clock::Clock;
use kit_core::error::RpcError;
use kit_rpc::transport::Transport;
use kit_testing::{FakeEventLog, TestService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The budget of every alert.
pub const BUDGET: Uuid = Uuid::from_u128(100);
/// The goal of every milestone and reminder.
pub const GOAL: Uuid = Uuid::from_u128(101);
/// An alert whose budget was deleted.
pub const MISSING_ID: Uuid = Uuid::from_u128(404);

/// The state of the fake budget-svc.
#[derive(Clone, Default)]
pub struct Budget(FakeEventLog);

impl Budget {
    pub fn append(&self, household_id: Uuid, entity: &str, entity_id: Uuid, kind: &str) {
        self.0.append(Event {
            household_id: household_id.to_string(),
            entity: entity.into(),
            entity_id: entity_id.to_string(),
            kind: kind.into(),
            ..Event::default()
        });
    }

    pub fn transport(&self, clock: &Clock) -> Transport {
        let routes = Routes::new(self.0.clone().into_service());
        let routes = routes.add_service(NotificationDataServiceServer::new(self.clone()));
        TestService::fake("budget", routes, clock).transport("notify")
    }
}

#[tonic::async_trait]
impl NotificationDataService for Budget {
    async fn get_budget_alert(
        &self,
        request: Request<pb::GetBudgetAlertRequest>,
    ) -> Result<Response<pb::GetBudgetAlertResponse>, Status> {
        if request.into_inner().alert_id == MISSING_ID.to_string() {
            return Err(RpcError::not_found("alert").into());
        }
        Ok(Response::new(pb::GetBudgetAlertResponse {
            budget_id: BUDGET.to_string(),
            budget_name: "Food <b>".into(),
            threshold: 80,
            currency_code: "EUR".into(),
            budgeted: "300.00".into(),
            spent: "241.50".into(),
            period_start: "2026-09-01".into(),
            period_end: "2026-09-30".into(),
            unpriced: Vec::new(),
        }))
    }

    async fn get_goal_milestone(
        &self,
        _request: Request<pb::GetGoalMilestoneRequest>,
    ) -> Result<Response<pb::GetGoalMilestoneResponse>, Status> {
        Ok(Response::new(pb::GetGoalMilestoneResponse {
            goal_id: GOAL.to_string(),
            goal_name: "Boat".into(),
            percent: 100,
            currency_code: "EUR".into(),
            target_amount: "1000.00".into(),
            current_amount: "1000.00".into(),
        }))
    }

    async fn get_goal_reminder(
        &self,
        _request: Request<pb::GetGoalReminderRequest>,
    ) -> Result<Response<pb::GetGoalReminderResponse>, Status> {
        Ok(Response::new(pb::GetGoalReminderResponse {
            goal_id: GOAL.to_string(),
            goal_name: "Boat".into(),
            due_date: "2026-10-22".into(),
            days_left: 30,
            currency_code: "EUR".into(),
            target_amount: "1000.00".into(),
            current_amount: "250.00".into(),
        }))
    }

    async fn list_report_data(
        &self,
        request: Request<pb::ListReportDataRequest>,
    ) -> Result<Response<pb::ListReportDataResponse>, Status> {
        let pb::ListReportDataRequest { household_id, date } = request.into_inner();
        // Echoes the request, so that tests can check it.
        let budget = pb::BudgetData { budget_id: household_id, name: date, ..pb::BudgetData::default() };
        Ok(Response::new(pb::ListReportDataResponse { budgets: vec![budget], goals: Vec::new() }))
    }
}
