//! Which of the budgets' events to tell a household.

use fintrac_kit::events::{Handler, HandlerError};
use fintrac_kit::transport::Transport;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::message_facts_service_client::MessageFactsServiceClient;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use tonic::Code;

use super::id;
use super::telling::{Teller, Telling, few_at_once};
use crate::domain::kind::Kind;
use crate::render::Facts;

/// Turns the budgets' events into notifications and queued mails.
#[derive(Debug)]
pub struct TellHousehold {
    teller: Teller,
    budget: MessageFactsServiceClient<Transport>,
}

fn kind(event: &Event) -> Option<Kind> {
    let of_entity: &[Kind] = match event.entity.as_str() {
        "alert" => &[Kind::BudgetThreshold, Kind::BudgetExceeded],
        "milestone" => &[Kind::GoalMilestone, Kind::GoalReached],
        "reminder" => &[Kind::GoalDeadline],
        _ => return None,
    };
    of_entity.iter().copied().find(|kind| kind.name() == event.kind)
}

impl TellHousehold {
    pub fn new(teller: Teller, budget: Transport) -> Self {
        Self { teller, budget: MessageFactsServiceClient::new(budget) }
    }

    /// What an event is about; `None` when that is gone.
    async fn facts(&self, event: &Event) -> Result<Option<Facts>, HandlerError> {
        let (household_id, id) = (event.household_id.clone(), event.entity_id.clone());
        let mut budget = self.budget.clone();
        let answer = match event.entity.as_str() {
            "alert" => {
                let request = budget::GetBudgetAlertRequest { household_id, alert_id: id };
                budget.get_budget_alert(request).await.map(|answer| Facts::Budget(answer.into_inner()))
            }
            "reminder" => {
                let request = budget::GetGoalReminderRequest { household_id, reminder_id: id };
                budget.get_goal_reminder(request).await.map(|answer| Facts::Deadline(answer.into_inner()))
            }
            _ => {
                let request = budget::GetGoalMilestoneRequest { household_id, milestone_id: id };
                budget.get_goal_milestone(request).await.map(|answer| Facts::Goal(answer.into_inner()))
            }
        };
        match answer {
            Ok(facts) => Ok(Some(facts)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    async fn tellings(&self, event: &Event, kind: Kind) -> Result<Vec<Telling>, HandlerError> {
        let Some(facts) = self.facts(event).await? else { return Ok(Vec::new()) };
        self.teller.everybody(id(&event.id)?, &event.household_id, kind, &facts).await
    }
}

impl Handler for TellHousehold {
    type Prepared = Vec<Telling>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Telling>, HandlerError> {
        let wanted = events.iter().filter_map(|event| Some(self.tellings(event, kind(event)?)));
        few_at_once(wanted.collect()).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        tellings: Vec<Telling>,
    ) -> Result<(), HandlerError> {
        Ok(self.teller.tell(connection, events, tellings).await?)
    }

    fn committed(&self, _events: &[Event]) {
        self.teller.told();
    }

    /// Nobody is told of it, but whoever follows reads it anew.
    async fn given_up(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        Ok(self.teller.tell(connection, std::slice::from_ref(event), Vec::new()).await?)
    }
}
