//! Handles events of budget-svc: notifications for a household.

use fintrac_proto::NotificationKind;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::notification_data_service_client::NotificationDataServiceClient;
use fintrac_proto::events::v1::Event;
use kit_events::{Handler, HandlerError};
use kit_rpc::transport::Transport;
use sqlx::PgConnection;

use super::account_message::none_if_not_found;
use super::dispatcher::{NotificationDispatcher, PreparedNotification, join_bounded};
use super::parse_id;
use crate::render::NotificationData;

/// Turns budget events into notifications and queued emails.
#[derive(Debug)]
pub struct BudgetEventHandler {
    dispatcher: NotificationDispatcher,
    budget: NotificationDataServiceClient<Transport>,
}

impl BudgetEventHandler {
    pub fn new(dispatcher: NotificationDispatcher, budget: Transport) -> Self {
        Self { dispatcher, budget: NotificationDataServiceClient::new(budget) }
    }

    /// Reads the data of an event; `None` if its entity no longer exists.
    async fn notification_data(
        &self,
        event: &Event,
        kind: NotificationKind,
    ) -> Result<Option<NotificationData>, HandlerError> {
        let (household_id, id) = (event.household_id.clone(), event.entity_id.clone());
        let mut budget = self.budget.clone();
        Ok(match kind {
            NotificationKind::BudgetThreshold | NotificationKind::BudgetExceeded => {
                let request = budget::GetBudgetAlertRequest { household_id, alert_id: id };
                let data = none_if_not_found(budget.get_budget_alert(request).await)?;
                data.map(NotificationData::BudgetAlert)
            }
            NotificationKind::GoalMilestone | NotificationKind::GoalReached => {
                let request = budget::GetGoalMilestoneRequest { household_id, milestone_id: id };
                let data = none_if_not_found(budget.get_goal_milestone(request).await)?;
                data.map(NotificationData::GoalMilestone)
            }
            NotificationKind::GoalDeadline => {
                let request = budget::GetGoalReminderRequest { household_id, reminder_id: id };
                let data = none_if_not_found(budget.get_goal_reminder(request).await)?;
                data.map(NotificationData::GoalDeadline)
            }
            _ => return Err(HandlerError::Permanent(format!("{} has no data", kind.name()))),
        })
    }

    async fn notifications_for(&self, event: &Event) -> Result<Vec<PreparedNotification>, HandlerError> {
        let kind = NotificationKind::from_event(&event.entity, &event.kind);
        let Some(kind) = kind else { return Ok(Vec::new()) };
        let Some(data) = self.notification_data(event, kind).await? else { return Ok(Vec::new()) };
        self.dispatcher.for_household(parse_id(&event.id)?, &event.household_id, kind, &data).await
    }
}

impl Handler for BudgetEventHandler {
    type Preparation = Vec<PreparedNotification>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<PreparedNotification>, HandlerError> {
        join_bounded(events.iter().map(|event| self.notifications_for(event)).collect()).await
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
