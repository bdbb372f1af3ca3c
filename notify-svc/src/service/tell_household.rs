//! Which of the budgets' events to tell a household, in which words: to each
//! of its people in his language and by the ways that he wants.

use fintrac_kit::clock::Clock;
use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::mail_facts_service_client::MailFactsServiceClient;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::message_facts_service_client::MessageFactsServiceClient;
use fintrac_proto::events::v1::Event;
use futures::future::try_join_all;
use sqlx::PgConnection;
use tonic::Code;
use uuid::Uuid;

use super::id;
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::domain::notification::Notification;
use crate::render::{self, Facts};
use crate::store::{mails, notifications};

/// Events that are asked about at once.
const QUESTIONS: usize = 8;

/// Turns the budgets' events into notifications and queued mails.
#[derive(Debug)]
pub struct TellHousehold {
    clock: Clock,
    random: Random,
    auth: MailFactsServiceClient<Transport>,
    budget: MessageFactsServiceClient<Transport>,
    waiting: Bell,
}

/// A notification, the event that asked for it, and whether it goes by mail too.
#[derive(Debug)]
pub struct Telling {
    event_id: Uuid,
    notification: Notification,
    by_mail: bool,
}

fn kind(event: &Event) -> Option<Kind> {
    let entity = match event.entity.as_str() {
        "alert" => [Kind::BudgetThreshold, Kind::BudgetExceeded],
        "milestone" => [Kind::GoalMilestone, Kind::GoalReached],
        _ => return None,
    };
    entity.into_iter().find(|kind| kind.name() == event.kind)
}

impl TellHousehold {
    /// `waiting` is rung when mails wait to be sent.
    pub fn new(deps: &Deps, auth: Transport, budget: Transport, waiting: Bell) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            auth: MailFactsServiceClient::new(auth),
            budget: MessageFactsServiceClient::new(budget),
            waiting,
        }
    }

    /// What an event is about; `None` when that is gone.
    async fn facts(&self, event: &Event) -> Result<Option<Facts>, HandlerError> {
        let (household_id, id) = (event.household_id.clone(), event.entity_id.clone());
        let mut budget = self.budget.clone();
        let answer = if event.entity == "alert" {
            let request = budget::GetBudgetAlertRequest { household_id, alert_id: id };
            budget.get_budget_alert(request).await.map(|answer| Facts::Budget(answer.into_inner()))
        } else {
            let request = budget::GetGoalMilestoneRequest { household_id, milestone_id: id };
            budget.get_goal_milestone(request).await.map(|answer| Facts::Goal(answer.into_inner()))
        };
        match answer {
            Ok(facts) => Ok(Some(facts)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    async fn tell(&self, event: &Event, kind: Kind) -> Result<Vec<Telling>, HandlerError> {
        let Some(facts) = self.facts(event).await? else { return Ok(Vec::new()) };
        let household_id = event.household_id.clone();
        let request = auth::ListAudienceRequest { household_id, kind: kind.name().to_owned() };
        let listeners = self.auth.clone().list_audience(request).await?.into_inner().listeners;
        let now = self.clock.now();
        let telling = |listener: auth::Listener| {
            let poison = |error: render::RenderError| HandlerError::Poison(error.to_string());
            let (title, body) = render::notice(&listener.locale, kind, &facts).map_err(poison)?;
            let (entity, entity_id) = facts.about();
            let notification = Notification {
                id: self.random.id(now),
                user_id: id(&listener.user_id)?,
                household_id: id(&event.household_id)?,
                kind,
                entity,
                entity_id: id(entity_id)?,
                locale: listener.locale,
                title,
                body,
                in_inbox: listener.inbox,
                read_at: None,
                version: 1,
                created_at: now,
            };
            Ok(Telling { event_id: id(&event.id)?, notification, by_mail: listener.mail })
        };
        listeners.into_iter().map(telling).collect()
    }
}

impl Handler for TellHousehold {
    type Prepared = Vec<Telling>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Telling>, HandlerError> {
        let mut wanted = Vec::new();
        for event in events {
            wanted.extend(kind(event).map(|kind| self.tell(event, kind)));
        }
        let (mut tellings, mut wanted) = (Vec::new(), wanted.into_iter().peekable());
        while wanted.peek().is_some() {
            let asked = try_join_all(wanted.by_ref().take(QUESTIONS)).await?;
            tellings.extend(asked.into_iter().flatten());
        }
        Ok(tellings)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        _events: &[Event],
        tellings: Vec<Telling>,
    ) -> Result<(), HandlerError> {
        for Telling { event_id, notification, by_mail } in tellings {
            let is_new = notifications::insert(connection, &notification, event_id).await?;
            if is_new && by_mail {
                let (user_id, kind) = (notification.user_id, notification.kind);
                let now = notification.created_at;
                let subject_id = notification.id;
                let mail = Mail { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
                mails::insert(connection, &mail, event_id, now).await?;
            }
        }
        Ok(())
    }

    fn committed(&self, _events: &[Event]) {
        self.waiting.ring();
    }
}
