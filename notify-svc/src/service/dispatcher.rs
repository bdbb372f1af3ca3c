//! Creates each user's notifications in their language, and only once.
//!
//! They are sent over the channels that the user chose.

use std::collections::HashMap;

use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use fintrac_proto::events::v1::Event;
use futures::future::try_join_all;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_events::HandlerError;
use kit_rpc::transport::Transport;
use kit_service::module::ServiceDependencies;
use sqlx::PgConnection;
use uuid::Uuid;

use super::account_message::AccountMessage;
use super::parse_id;
use crate::domain::change::Change;
use crate::domain::email::Email;
use crate::domain::notification::Notification;
use crate::render::{self, NotificationData};
use crate::store::{changes, emails, notifications};

/// The maximum number of concurrent requests.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// Composes notifications and stores them with their emails and live events.
#[derive(Debug)]
pub struct NotificationDispatcher {
    clock: Clock,
    random: Random,
    auth: EmailDataServiceClient<Transport>,
    job_signal: WakeSignal,
    /// Wakes the live event streams.
    live_events: WakeSignal,
}

/// A notification that is not stored yet.
#[derive(Debug)]
pub struct PreparedNotification {
    /// The deduplication key: each user gets one notification per event.
    event_id: Uuid,
    notification: Notification,
    by_email: bool,
}

impl NotificationDispatcher {
    pub fn new(deps: &ServiceDependencies, auth: Transport, live_events: WakeSignal) -> Self {
        let ServiceDependencies { clock, random, job_signal, .. } = deps.clone();
        Self { clock, random, auth: EmailDataServiceClient::new(auth), job_signal, live_events }
    }

    pub fn auth(&self) -> EmailDataServiceClient<Transport> {
        self.auth.clone()
    }

    /// Composes a notification for each household member who subscribed to `kind`.
    pub async fn for_household(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        data: &NotificationData,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let subscribers = self.subscribers(household_id, kind).await?;
        let compose = |subscriber| self.compose(event_id, household_id, kind, subscriber, data);
        subscribers.into_iter().map(compose).collect()
    }

    /// Composes a notification for each subscribed user who has an entry in `data`.
    pub async fn for_users(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        data: &HashMap<String, NotificationData>,
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let subscribers = self.subscribers(household_id, kind).await?;
        let concerned = subscribers.into_iter().filter_map(|subscriber| {
            let data = data.get(&subscriber.user_id)?;
            Some(self.compose(event_id, household_id, kind, subscriber, data))
        });
        concerned.collect()
    }

    /// Composes a notification of the user's own account for the inbox.
    ///
    /// Its email is queued separately. `None` if the user has no household yet, and thus no inbox.
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
        let user_id = parse_id(&event.user_id)?;
        // Events of challenges are about the user, too.
        let entity_id = if kind.entity() == "user" { user_id } else { parse_id(&event.entity_id)? };
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id,
            household_id: parse_id(&recipient.household_id)?,
            kind,
            entity_id,
            locale: recipient.locale.clone(),
            title,
            body,
            in_inbox: true,
            read_at: None,
            version: 1,
            created_at: now,
        };
        Ok(Some(PreparedNotification { event_id: parse_id(&event.id)?, notification, by_email: false }))
    }

    async fn subscribers(
        &self,
        household_id: &str,
        kind: NotificationKind,
    ) -> Result<Vec<auth::Subscriber>, HandlerError> {
        let request = auth::ListSubscribersRequest {
            household_id: household_id.to_owned(),
            kind: kind.name().to_owned(),
        };
        Ok(self.auth.clone().list_subscribers(request).await?.into_inner().subscribers)
    }

    fn compose(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: NotificationKind,
        subscriber: auth::Subscriber,
        data: &NotificationData,
    ) -> Result<PreparedNotification, HandlerError> {
        let (title, body) = render::render_notification(&subscriber.locale, kind, data)?;
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id: parse_id(&subscriber.user_id)?,
            household_id: parse_id(household_id)?,
            kind,
            entity_id: parse_id(data.entity_id())?,
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

    /// Stores the events of `service`, the notifications that are new, and their emails.
    pub async fn dispatch(
        &self,
        connection: &mut PgConnection,
        service: &'static str,
        events: &[Event],
        prepared: Vec<PreparedNotification>,
    ) -> Result<(), sqlx::Error> {
        let mut changes: Vec<_> =
            events.iter().map(|event| Change::audited(service, event.clone())).collect();
        for PreparedNotification { event_id, notification, by_email } in prepared {
            if !notifications::insert(connection, &notification, event_id).await? {
                continue;
            }
            let now = notification.created_at;
            if notification.in_inbox {
                changes.push(notification.created(self.random.id(now)));
            }
            if by_email {
                let (user_id, kind) = (notification.user_id, notification.kind);
                let email = Email { id: self.random.id(now), user_id, kind, subject_id: notification.id };
                emails::insert(connection, &email, event_id, now).await?;
            }
        }
        changes::insert(connection, &changes, self.clock.now()).await
    }

    /// Wakes the workers; call it after the transaction is committed.
    pub fn wake_workers(&self) {
        self.job_signal.wake();
        self.live_events.wake();
    }
}

/// Awaits all futures, a bounded number of them concurrently.
pub async fn join_bounded<F>(compositions: Vec<F>) -> Result<Vec<PreparedNotification>, HandlerError>
where
    F: Future<Output = Result<Vec<PreparedNotification>, HandlerError>>,
{
    let (mut prepared, mut compositions) = (Vec::new(), compositions.into_iter().peekable());
    while compositions.peek().is_some() {
        let joined = try_join_all(compositions.by_ref().take(MAX_CONCURRENT_REQUESTS)).await?;
        prepared.extend(joined.into_iter().flatten());
    }
    Ok(prepared)
}
