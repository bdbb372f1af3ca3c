//! A user's inbox: what he was told in the app, and what of it he has read.

use fintrac_kit::access::By;
use fintrac_kit::clock::Clock;
use fintrac_kit::events::{self, Bell, NewEvent};
use fintrac_kit::module::Deps;
use fintrac_kit::page::{Cursor, Page, PageRequest};
use fintrac_kit::random::Random;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::notification::Notification;
use crate::error::Error;
use crate::store::{feed, notifications};

/// The inboxes of all users, and the audit trail.
#[derive(Debug)]
pub struct Inbox {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    bell: Bell,
    /// Rung when the feed goes on.
    feed: Bell,
}

impl Inbox {
    /// `feed` is rung when the feed goes on.
    pub fn new(deps: &Deps, feed: Bell) -> Self {
        let Deps { clock, random, pool, bell, .. } = deps.clone();
        Self { clock, random, pool, bell, feed }
    }

    /// Newest first.
    pub async fn list(
        &self,
        by: &By,
        unread: bool,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Notification>, Error> {
        let page = PageRequest::new(size, token, &format!("notifications {unread}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows =
            notifications::list(&mut connection, by.principal.user_id, unread, before, page.limit()).await?;
        Ok(page.cut(rows, |notification| Cursor::by_id(notification.id)))
    }

    /// `is_read` absent: as it is.
    pub async fn mark(
        &self,
        by: &By,
        id: Uuid,
        is_read: Option<bool>,
        if_version: Option<i64>,
    ) -> Result<Notification, Error> {
        let user_id = by.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        let found = notifications::lock(&mut transaction, user_id, id).await?;
        let mut notification = found.ok_or(Error::NotFound("notification"))?;
        // First, so that a call whose answer was lost can be made again.
        if is_read.is_none_or(|is_read| notification.read_at.is_some() == is_read) {
            return Ok(notification);
        }
        if if_version.is_some_and(|version| version != notification.version) {
            return Err(Error::VersionMismatch);
        }
        notification.read_at = notification.read_at.is_none().then(|| self.clock.now());
        notification.version += 1;
        notifications::set_read(&mut transaction, &notification).await?;
        self.record(&mut transaction, by, "notification", id, notification.version).await?;
        let change: Vec<_> = notification.change().into_iter().collect();
        feed::append(&mut transaction, &change, self.clock.now()).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.feed.ring();
        Ok(notification)
    }

    pub async fn mark_all_read(&self, by: &By) -> Result<(), Error> {
        let (user_id, now) = (by.principal.user_id, self.clock.now());
        loop {
            let mut transaction = self.pool.begin().await?;
            // What comes meanwhile is not read.
            let read = notifications::set_all_read(&mut transaction, user_id, now).await?;
            if read.is_empty() {
                return Ok(());
            }
            self.record(&mut transaction, by, "inbox", user_id, 0).await?;
            feed::append(&mut transaction, &read, now).await?;
            transaction.commit().await?;
            self.bell.ring();
            self.feed.ring();
        }
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        by: &By,
        entity: &'static str,
        entity_id: Uuid,
        version: i64,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(by.principal.household_id),
            user_id: Some(by.principal.user_id),
            entity,
            entity_id,
            version,
            kind: "updated",
            changed: &["read_at"],
            origin: &by.origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}
