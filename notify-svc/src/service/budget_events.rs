//! Handles events of budget-svc: notifications for a household.

use fintrac_kit::events::{Handler, HandlerError};
use fintrac_kit::transport::Transport;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::notification_data_service_client::NotificationDataServiceClient;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use tonic::Code;

use super::dispatcher::{NotificationDispatcher, PreparedNotification, join_bounded};
use super::parse_id;
use crate::domain::kind::NotificationKind;
use crate::render::NotificationData;

/// Turns budget events into notifications and queued emails.
#[derive(Debug)]
pub struct BudgetEventHandler {
    dispatcher: NotificationDispatcher,
    budget: NotificationDataServiceClient<Transport>,
}

fn kind(event: &Event) -> Option<NotificationKind> {
    let candidates: &[NotificationKind] = match event.entity.as_str() {
        "alert" => &[NotificationKind::BudgetThreshold, NotificationKind::BudgetExceeded],
        "milestone" => &[NotificationKind::GoalMilestone, NotificationKind::GoalReached],
        "reminder" => &[NotificationKind::GoalDeadline],
        _ => return None,
    };
    candidates.iter().copied().find(|kind| kind.name() == event.kind)
}

impl BudgetEventHandler {
    pub fn new(dispatcher: NotificationDispatcher, budget: Transport) -> Self {
        Self { dispatcher, budget: NotificationDataServiceClient::new(budget) }
    }

    /// Reads the data of an event; `None` if its entity no longer exists.
    async fn notification_data(&self, event: &Event) -> Result<Option<NotificationData>, HandlerError> {
        let (household_id, id) = (event.household_id.clone(), event.entity_id.clone());
        let mut budget = self.budget.clone();
        let response = match event.entity.as_str() {
            "alert" => {
                let request = budget::GetBudgetAlertRequest { household_id, alert_id: id };
                budget
                    .get_budget_alert(request)
                    .await
                    .map(|response| NotificationData::BudgetAlert(response.into_inner()))
            }
            "reminder" => {
                let request = budget::GetGoalReminderRequest { household_id, reminder_id: id };
                budget
                    .get_goal_reminder(request)
                    .await
                    .map(|response| NotificationData::GoalDeadline(response.into_inner()))
            }
            _ => {
                let request = budget::GetGoalMilestoneRequest { household_id, milestone_id: id };
                budget
                    .get_goal_milestone(request)
                    .await
                    .map(|response| NotificationData::GoalMilestone(response.into_inner()))
            }
        };
        match response {
            Ok(data) => Ok(Some(data)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    async fn notifications_for(
        &self,
        event: &Event,
        kind: NotificationKind,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let Some(data) = self.notification_data(event).await? else { return Ok(Vec::new()) };
        self.dispatcher.for_household(parse_id(&event.id)?, &event.household_id, kind, &data).await
    }
}

impl Handler for BudgetEventHandler {
    type Preparation = Vec<PreparedNotification>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<PreparedNotification>, HandlerError> {
        let compositions =
            events.iter().filter_map(|event| Some(self.notifications_for(event, kind(event)?)));
        join_bounded(compositions.collect()).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Vec<PreparedNotification>,
    ) -> Result<(), HandlerError> {
        Ok(self.dispatcher.dispatch(connection, "budget", events, prepared).await?)
    }

    fn on_commit(&self, _events: &[Event]) {
        self.dispatcher.wake_workers();
    }

    /// Stores the change, so clients read it; the notification is lost.
    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        Ok(self.dispatcher.dispatch(connection, "budget", std::slice::from_ref(event), Vec::new()).await?)
    }
}
