//! Handles events of auth-svc: emails and notifications for the user.

use fintrac_proto::NotificationKind;
use fintrac_proto::events::v1::Event;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_events::{Handler, HandlerError};
use kit_service::module::ServiceDependencies;
use sqlx::PgConnection;

use super::account_message;
use super::dispatcher::{NotificationDispatcher, PreparedNotification, join_bounded};
use super::parse_id;
use crate::domain::email::Email;
use crate::store::emails;

/// Turns auth events into queued emails and notifications.
/// Users cannot disable them.
#[derive(Debug)]
pub struct AuthEventHandler {
    clock: Clock,
    random: Random,
    dispatcher: NotificationDispatcher,
}

impl AuthEventHandler {
    pub fn new(deps: &ServiceDependencies, dispatcher: NotificationDispatcher) -> Self {
        Self { clock: deps.clock.clone(), random: deps.random.clone(), dispatcher }
    }

    async fn queue_email(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        let Some(kind) = kind(event).filter(|kind| kind.channels().email) else { return Ok(()) };
        let now = self.clock.now();
        let (user_id, subject_id) = (parse_id(&event.user_id)?, parse_id(&event.entity_id)?);
        let email = Email { id: self.random.id(now), user_id, kind, subject_id };
        Ok(emails::insert(connection, &email, parse_id(&event.id)?, now).await?)
    }

    /// Prepares the notifications of an event.
    async fn notifications_for(
        &self,
        event: &Event,
        kind: NotificationKind,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let (user_id, subject_id) = (parse_id(&event.user_id)?, parse_id(&event.entity_id)?);
        let message = account_message::load(&self.dispatcher.auth(), kind, user_id, subject_id).await?;
        let Some(message) = message else { return Ok(Vec::new()) };
        Ok(self.dispatcher.for_account(event, kind, &message)?.into_iter().collect())
    }
}

fn kind(event: &Event) -> Option<NotificationKind> {
    NotificationKind::from_event(&event.entity, &event.kind)
}

impl Handler for AuthEventHandler {
    type Preparation = Vec<PreparedNotification>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<PreparedNotification>, HandlerError> {
        let notified_kind = |event| kind(event).filter(|kind| kind.channels().inbox);
        let compositions =
            events.iter().filter_map(|event| Some(self.notifications_for(event, notified_kind(event)?)));
        join_bounded(compositions.collect()).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Vec<PreparedNotification>,
    ) -> Result<(), HandlerError> {
        for event in events {
            self.queue_email(connection, event).await?;
        }
        Ok(self.dispatcher.dispatch(connection, "auth", events, prepared).await?)
    }

    fn on_commit(&self, _events: &[Event]) {
        self.dispatcher.wake_workers();
    }

    /// Queues the email, which needs no other service; the notification is lost.
    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        self.queue_email(connection, event).await?;
        Ok(self.dispatcher.dispatch(connection, "auth", std::slice::from_ref(event), Vec::new()).await?)
    }
}
