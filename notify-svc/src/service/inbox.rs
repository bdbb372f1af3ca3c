//! A user's inbox: notifications and their read state.

use fintrac_kit::access::RequestContext;
use fintrac_kit::clock::Clock;
use fintrac_kit::events::{self, NewEvent, WakeSignal};
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use fintrac_kit::random::Random;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::notification::Notification;
use crate::error::Error;
use crate::store::{live_events, notifications};

/// The inboxes of all users, the audit log and the export.
#[derive(Debug)]
pub struct Inbox {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    event_log_signal: WakeSignal,
    /// Woken when live events were appended.
    live_events: WakeSignal,
}

impl Inbox {
    /// Creates the inbox; it wakes `live_events` after it appended live events.
    pub fn new(deps: &ServiceDependencies, live_events: WakeSignal) -> Self {
        let ServiceDependencies { clock, random, pool, event_log_signal, .. } = deps.clone();
        Self { clock, random, pool, event_log_signal, live_events }
    }

    /// Lists notifications, newest first.
    pub async fn list(
        &self,
        ctx: &RequestContext,
        unread: bool,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Notification>, Error> {
        let page = PageRequest::new(size, token, &format!("notifications {unread}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows =
            notifications::list(&mut connection, ctx.principal.user_id, unread, before, page.limit()).await?;
        Ok(page.paginate(rows, |notification| Cursor::from_id(notification.id)))
    }

    /// Marks a notification as read or unread; without `is_read` it stays unchanged.
    pub async fn mark(
        &self,
        ctx: &RequestContext,
        id: Uuid,
        is_read: Option<bool>,
        expected_version: Option<i64>,
    ) -> Result<Notification, Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        let found = notifications::lock(&mut transaction, user_id, id).await?;
        let mut notification = found.ok_or(Error::NotFound("notification"))?;
        // Checked before the version, so that a call whose response was lost can be retried.
        if is_read.is_none_or(|is_read| notification.read_at.is_some() == is_read) {
            return Ok(notification);
        }
        if expected_version.is_some_and(|version| version != notification.version) {
            return Err(Error::VersionMismatch);
        }
        notification.read_at = notification.read_at.is_none().then(|| self.clock.now());
        notification.version += 1;
        notifications::set_read(&mut transaction, &notification).await?;
        self.record(&mut transaction, ctx, "notification", id, notification.version).await?;
        let change: Vec<_> = notification.change().into_iter().collect();
        live_events::append(&mut transaction, &change, self.clock.now()).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.live_events.wake();
        Ok(notification)
    }

    pub async fn mark_all_read(&self, ctx: &RequestContext) -> Result<(), Error> {
        let (user_id, now) = (ctx.principal.user_id, self.clock.now());
        loop {
            let mut transaction = self.pool.begin().await?;
            // Notifications that arrive during the loop stay unread.
            let read = notifications::set_all_read(&mut transaction, user_id, now).await?;
            if read.is_empty() {
                return Ok(());
            }
            self.record(&mut transaction, ctx, "inbox", user_id, 0).await?;
            live_events::append(&mut transaction, &read, now).await?;
            transaction.commit().await?;
            self.event_log_signal.wake();
            self.live_events.wake();
        }
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        entity: &'static str,
        entity_id: Uuid,
        version: i64,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(ctx.principal.household_id),
            user_id: Some(ctx.principal.user_id),
            entity,
            entity_id,
            version,
            kind: "updated",
            changed: &["read_at"],
            origin: &ctx.origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}
