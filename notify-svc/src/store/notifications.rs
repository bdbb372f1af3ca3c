//! Stores and reads notifications.

use chrono::{DateTime, Utc};
use fintrac_proto::NotificationKind;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::notification::Notification;

struct NotificationRow {
    user_id: Uuid,
    id: Uuid,
    household_id: Uuid,
    kind: String,
    entity_id: Uuid,
    locale: String,
    title: String,
    body: String,
    in_inbox: bool,
    read_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<NotificationRow> for Notification {
    type Error = sqlx::Error;

    fn try_from(row: NotificationRow) -> Result<Self, sqlx::Error> {
        let unknown = || sqlx::Error::Decode(format!("unknown kind: {}", row.kind).into());
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            household_id: row.household_id,
            kind: NotificationKind::from_name(&row.kind).ok_or_else(unknown)?,
            entity_id: row.entity_id,
            locale: row.locale,
            title: row.title,
            body: row.body,
            in_inbox: row.in_inbox,
            read_at: row.read_at,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// Inserts a notification; returns false if the user already has one for the event.
pub async fn insert(
    connection: &mut PgConnection,
    notification: &Notification,
    event_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"insert into notify.notifications (user_id, id, household_id, event_id, kind, entity, entity_id, locale,
                                             title, body, in_inbox, version, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           on conflict (event_id, user_id) do nothing"#,
        notification.user_id,
        notification.id,
        notification.household_id,
        event_id,
        notification.kind.name(),
        notification.kind.entity(),
        notification.entity_id,
        notification.locale,
        notification.title,
        notification.body,
        notification.in_inbox,
        notification.version,
        notification.created_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Notification>, sqlx::Error> {
    let row = sqlx::query_as!(
        NotificationRow,
        r#"select user_id, id, household_id, kind, entity_id, locale, title, body, in_inbox, read_at,
                  version, created_at
           from notify.notifications where user_id = $1 and id = $2"#,
        user_id,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Notification::try_from).transpose()
}

/// Lists the inbox, newest first.
pub async fn list(
    connection: &mut PgConnection,
    user_id: Uuid,
    unread: bool,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Notification>, sqlx::Error> {
    let rows = sqlx::query_as!(
        NotificationRow,
        r#"select user_id, id, household_id, kind, entity_id, locale, title, body, in_inbox, read_at,
                  version, created_at
           from notify.notifications
           where user_id = $1 and in_inbox and (not $2 or read_at is null) and ($3::uuid is null or id < $3)
           order by id desc limit $4"#,
        user_id,
        unread,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Notification::try_from).collect()
}

/// Locks a notification of the inbox.
pub async fn lock(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Notification>, sqlx::Error> {
    let row = sqlx::query_as!(
        NotificationRow,
        r#"select user_id, id, household_id, kind, entity_id, locale, title, body, in_inbox, read_at,
                  version, created_at
           from notify.notifications where user_id = $1 and id = $2 and in_inbox for update"#,
        user_id,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Notification::try_from).transpose()
}

pub async fn set_read(connection: &mut PgConnection, notification: &Notification) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update notify.notifications set read_at = $3, version = $4 where user_id = $1 and id = $2",
        notification.user_id,
        notification.id,
        notification.read_at,
        notification.version,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Marks up to 1,000 unread notifications as read; returns household, id and version of each.
pub async fn set_all_read(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"update notify.notifications set read_at = $2, version = version + 1
           where user_id = $1 and id in (
               select id from notify.notifications
               where user_id = $1 and in_inbox and read_at is null and created_at <= $2
               order by id limit 1000 for update)
           returning household_id, id, version"#,
        user_id,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, row.id, row.version)).collect())
}
