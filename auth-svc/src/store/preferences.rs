//! Preferences and notification channels of users.

use std::collections::BTreeMap;

use fintrac_money::{Currency, Money};
use fintrac_proto::{NotificationChannels, NotificationKind};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::preferences::{Preferences, configurable_kind};

/// Writes the preferences of a registration.
/// An existing row keeps its limit and version.
pub async fn upsert(
    connection: &mut PgConnection,
    user_id: Uuid,
    preferences: &Preferences,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.preferences (user_id, theme, locale, default_currency, timezone, version)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (user_id) do update
           set theme = excluded.theme, locale = excluded.locale,
               default_currency = excluded.default_currency, timezone = excluded.timezone"#,
        user_id,
        preferences.theme,
        preferences.locale,
        preferences.default_currency,
        preferences.timezone,
        preferences.version,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Serializes changes of one user's preferences.
pub async fn lock(connection: &mut PgConnection, user_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("select user_id from auth.preferences where user_id = $1 for update", user_id)
        .fetch_optional(connection)
        .await
        .map(|_| ())
}

pub async fn find(connection: &mut PgConnection, user_id: Uuid) -> Result<Option<Preferences>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select locale, theme, default_currency, timezone, large_transaction_limit, version
           from auth.preferences where user_id = $1"#,
        user_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let rows =
        sqlx::query!("select kind, email, inbox from auth.notification_channels where user_id = $1", user_id)
            .fetch_all(connection)
            .await?;
    let channels: BTreeMap<_, _> = rows
        .into_iter()
        .filter_map(|row| {
            let channels = NotificationChannels { email: row.email, inbox: row.inbox };
            Some((configurable_kind(&row.kind)?, channels))
        })
        .collect();
    Ok(Some(Preferences {
        locale: row.locale,
        theme: row.theme,
        default_currency: row.default_currency,
        timezone: row.timezone,
        large_transaction_limit: row.large_transaction_limit,
        channels,
        version: row.version,
    }))
}

pub async fn update(
    connection: &mut PgConnection,
    user_id: Uuid,
    preferences: &Preferences,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.preferences
           set theme = $2, locale = $3, default_currency = $4, timezone = $5, large_transaction_limit = $6,
               version = $7
           where user_id = $1"#,
        user_id,
        preferences.theme,
        preferences.locale,
        preferences.default_currency,
        preferences.timezone,
        preferences.large_transaction_limit,
        preferences.version,
    )
    .execute(&mut *connection)
    .await?;
    let channels = &preferences.channels;
    sqlx::query!(
        r#"insert into auth.notification_channels (user_id, kind, email, inbox)
           select $1, kind, email, inbox from unnest($2::text[], $3::bool[], $4::bool[]) as new (kind, email, inbox)
           on conflict (user_id, kind) do update set email = excluded.email, inbox = excluded.inbox"#,
        user_id,
        &channels.keys().map(|kind| kind.name().to_owned()).collect::<Vec<_>>(),
        &channels.values().map(|channels| channels.email).collect::<Vec<_>>(),
        &channels.values().map(|channels| channels.inbox).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// A household member and the channels of one kind of notification.
#[derive(Debug)]
pub struct Subscriber {
    pub user_id: Uuid,
    pub locale: String,
    pub email: bool,
    pub inbox: bool,
}

/// Lists the household members with an enabled channel for `kind`.
pub async fn list_subscribers(
    connection: &mut PgConnection,
    household_id: Uuid,
    kind: NotificationKind,
) -> Result<Vec<Subscriber>, sqlx::Error> {
    let default = kind.channels();
    sqlx::query_as!(
        Subscriber,
        r#"select memberships.user_id, locale, coalesce(email, $3) as "email!", coalesce(inbox, $4) as "inbox!"
           from auth.memberships
           join auth.preferences on preferences.user_id = memberships.user_id
           left join auth.notification_channels
             on notification_channels.user_id = memberships.user_id and kind = $2
           where household_id = $1 and (coalesce(email, $3) or coalesce(inbox, $4))
           order by memberships.user_id"#,
        household_id,
        kind.name(),
        default.email,
        default.inbox,
    )
    .fetch_all(connection)
    .await
}

/// The amount above which a member is notified of a transaction.
#[derive(Debug)]
pub struct LargeTransactionLimit {
    pub household_id: Uuid,
    pub user_id: Uuid,
    pub limit: Money,
}

/// Lists the members of these households who set a limit.
pub async fn list_large_transaction_limits(
    connection: &mut PgConnection,
    household_ids: &[Uuid],
) -> Result<Vec<LargeTransactionLimit>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select memberships.household_id, memberships.user_id, households.currency_code,
                  large_transaction_limit as "limit!"
           from unnest($1::uuid[]) as requested (household_id)
           join auth.memberships using (household_id)
           join auth.households on households.id = memberships.household_id
           join auth.preferences on preferences.user_id = memberships.user_id
           where large_transaction_limit is not null"#,
        household_ids
    )
    .fetch_all(connection)
    .await?;
    let limits = rows.into_iter().filter_map(|row| {
        let currency = Currency::from_code(&row.currency_code)?;
        let (household_id, user_id) = (row.household_id, row.user_id);
        Some(LargeTransactionLimit { household_id, user_id, limit: Money::new(row.limit, currency) })
    });
    Ok(limits.collect())
}
