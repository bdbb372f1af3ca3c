//! Telling people of a household: each in his language, by the ways that he
//! wants, and once.

use std::collections::HashMap;

use fintrac_kit::clock::Clock;
use fintrac_kit::events::{HandlerError, WakeSignal};
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use fintrac_proto::events::v1::Event;
use futures::future::try_join_all;
use sqlx::PgConnection;
use uuid::Uuid;

use super::account_message::AccountMessage;
use super::id;
use crate::domain::email::Email;
use crate::domain::kind::NotificationKind;
use crate::domain::live_event::changes;
use crate::domain::notification::Notification;
use crate::render::{self, NotificationData};
use crate::store::{emails, live_events, notifications};

/// Questions that are asked at once.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// Whoever tells people.
#[derive(Debug)]
pub struct NotificationDispatcher {
    clock: Clock,
    random: Random,
    auth: EmailDataServiceClient<Transport>,
    wake_signals: WakeSignals,
}

/// What rings after something was told.
#[derive(Debug, Clone, Default)]
pub struct WakeSignals {
    /// Emails wait to be sent.
    pub emails: WakeSignal,
    /// The event stream goes on.
    pub live_events: WakeSignal,
}

/// A notification, what asked for it, and whether it goes by email too.
#[derive(Debug)]
pub struct PreparedNotification {
    /// What it is told once for.
    event_id: Uuid,
    notification: Notification,
    by_email: bool,
}

impl NotificationDispatcher {
    pub fn new(deps: &ServiceDependencies, auth: Transport, wake_signals: WakeSignals) -> Self {
        let auth = EmailDataServiceClient::new(auth);
        Self { clock: deps.clock.clone(), random: deps.random.clone(), auth, wake_signals }
    }

    pub fn auth(&self) -> EmailDataServiceClient<Transport> {
        self.auth.clone()
    }

    /// What to tell everybody of a household who wants to hear of a kind.
    pub async fn for_household(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        facts: &NotificationData,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let subscribers = self.subscribers(household_id, kind).await?;
        let compose = |subscriber| self.compose(event_id, household_id, kind, subscriber, facts);
        subscribers.into_iter().map(compose).collect()
    }

    /// The same, each with facts of his own; those without any are told nothing.
    pub async fn for_users(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        facts: &HashMap<String, NotificationData>,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let subscribers = self.subscribers(household_id, kind).await?;
        let concerned = subscribers.into_iter().filter_map(|subscriber| {
            let facts = facts.get(&subscriber.user_id)?;
            Some(self.compose(event_id, household_id, kind, subscriber, facts))
        });
        concerned.collect()
    }

    /// What to tell a user of his own account, in the app: emails of it are queued by themselves.
    /// `None` when there is no household yet, thus nobody who could read it.
    pub fn for_account(
        &self,
        event: &Event,
        kind: NotificationKind,
        message: &AccountMessage,
    ) -> Result<Option<PreparedNotification>, HandlerError> {
        let recipient = &message.recipient;
        if recipient.household_id.is_empty() {
            return Ok(None);
        }
        let (title, body) = render::render_account_notification(&recipient.locale, kind, &message.values)?;
        let user_id = id(&event.user_id)?;
        let (entity, entity_id) = match kind {
            NotificationKind::NewDevice => ("device", id(&event.entity_id)?),
            _ => ("user", user_id),
        };
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id,
            household_id: id(&recipient.household_id)?,
            kind,
            entity,
            entity_id,
            locale: recipient.locale.clone(),
            title,
            body,
            in_inbox: true,
            read_at: None,
            version: 1,
            created_at: now,
        };
        Ok(Some(PreparedNotification { event_id: id(&event.id)?, notification, by_email: false }))
    }

    async fn subscribers(
        &self,
        household_id: &str,
        kind: NotificationKind,
    ) -> Result<Vec<auth::Subscriber>, HandlerError> {
        let request = auth::ListRecipientsRequest {
            household_id: household_id.to_owned(),
            kind: kind.name().to_owned(),
        };
        Ok(self.auth.clone().list_recipients(request).await?.into_inner().subscribers)
    }

    fn compose(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        subscriber: auth::Subscriber,
        facts: &NotificationData,
    ) -> Result<PreparedNotification, HandlerError> {
        let (title, body) = render::render_notification(&subscriber.locale, kind, facts)?;
        let (entity, entity_id) = facts.about();
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id: id(&subscriber.user_id)?,
            household_id: id(household_id)?,
            kind,
            entity,
            entity_id: id(entity_id)?,
            locale: subscriber.locale,
            title,
            body,
            in_inbox: subscriber.inbox,
            read_at: None,
            version: 1,
            created_at: now,
        };
        Ok(PreparedNotification { event_id, notification, by_email: subscriber.email })
    }

    /// Writes what was not told before, and what of it all the event stream tells.
    pub async fn dispatch(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Vec<PreparedNotification>,
    ) -> Result<(), sqlx::Error> {
        let mut changes = changes(events);
        for PreparedNotification { event_id, notification, by_email } in prepared {
            let is_new = notifications::insert(connection, &notification, event_id).await?;
            changes.extend(notification.change().filter(|_| is_new));
            if is_new && by_email {
                let (user_id, kind) = (notification.user_id, notification.kind);
                let now = notification.created_at;
                let subject_id = notification.id;
                let email = Email { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
                emails::insert(connection, &email, event_id, now).await?;
            }
        }
        live_events::append(connection, &changes, self.clock.now()).await
    }

    /// To call when what was told is committed.
    pub fn wake_workers(&self) {
        self.wake_signals.emails.wake();
        self.wake_signals.live_events.wake();
    }
}

/// The responses of all, a few of which are asked at once.
pub async fn join_bounded<F>(wanted: Vec<F>) -> Result<Vec<PreparedNotification>, HandlerError>
where
    F: Future<Output = Result<Vec<PreparedNotification>, HandlerError>>,
{
    let (mut prepared, mut wanted) = (Vec::new(), wanted.into_iter().peekable());
    while wanted.peek().is_some() {
        let joined = try_join_all(wanted.by_ref().take(MAX_CONCURRENT_REQUESTS)).await?;
        prepared.extend(joined.into_iter().flatten());
    }
    Ok(prepared)
}
