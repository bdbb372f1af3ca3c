//! A user's inbox: notifications and their read state.

use fintrac_proto::events::v1::Event;
use kit_access::RequestContext;
use kit_core::clock::{Clock, timestamp};
use kit_core::pagination::{Cursor, Page, PageRequest};
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_service::module::ServiceDependencies;
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::change::Change;
use crate::domain::notification::Notification;
use crate::error::Error;
use crate::store::{changes, notifications};

/// The inboxes of all users, the audit log and the export.
#[derive(Debug)]
pub struct Inbox {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    /// Woken when live events were appended.
    live_events: WakeSignal,
}

impl Inbox {
    /// Creates the inbox; it wakes `live_events` after it appended live events.
    pub fn new(deps: &ServiceDependencies, live_events: WakeSignal) -> Self {
        let ServiceDependencies { clock, random, pool, .. } = deps.clone();
        Self { clock, random, pool, live_events }
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
        let mut notification = found.ok_or_else(|| Error::not_found("notification"))?;
        // Checked before the version, so that a call whose response was lost can be retried.
        if is_read.is_none_or(|is_read| notification.read_at.is_some() == is_read) {
            return Ok(notification);
        }
        Error::check_version(expected_version, notification.version)?;
        notification.read_at = notification.read_at.is_none().then(|| self.clock.now());
        notification.version += 1;
        notifications::set_read(&mut transaction, &notification).await?;
        let event = self.read_event(ctx, "notification", id, notification.version);
        changes::insert(&mut transaction, &[Change::audited("notify", event)], self.clock.now()).await?;
        transaction.commit().await?;
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
            let inbox = Change::audited("notify", self.read_event(ctx, "inbox", user_id, 0));
            let notifications = read.into_iter().map(|(household_id, id, version)| {
                let event = self.read_event(ctx, "notification", id, version);
                Change::unaudited("notify", Event { household_id: household_id.to_string(), ..event })
            });
            let changes: Vec<_> = notifications.chain([inbox]).collect();
            changes::insert(&mut transaction, &changes, now).await?;
            transaction.commit().await?;
            self.live_events.wake();
        }
    }

    /// Returns the event of a notification, or the whole inbox, that the caller read or unread.
    fn read_event(&self, ctx: &RequestContext, entity: &str, entity_id: Uuid, version: i64) -> Event {
        let now = self.clock.now();
        let client = &ctx.origin.client;
        Event {
            id: self.random.id(now).to_string(),
            household_id: ctx.principal.household_id.to_string(),
            user_id: ctx.principal.user_id.to_string(),
            entity: entity.to_owned(),
            entity_id: entity_id.to_string(),
            version,
            kind: "updated".to_owned(),
            changed: vec!["read_at".to_owned()],
            actor: ctx.origin.actor.clone(),
            client_ip: client.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            user_agent: client.user_agent.clone(),
            request_id: ctx.origin.request_id.clone(),
            occurred_at: Some(timestamp(now)),
            ..Event::default()
        }
    }
}
