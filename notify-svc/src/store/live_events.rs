//! Stores and reads live events.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::live_event::EntityChange;

/// A live event with its position in the household's stream.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    pub household_id: Uuid,
    pub seq: i64,
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
}

/// Appends changes to the streams of their households.
///
/// Call it at most once per transaction: the sequences are locked in key order.
pub async fn append(
    connection: &mut PgConnection,
    changes: &[EntityChange],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"with new as (
               select household_id, user_id, entity, entity_id, version,
                      row_number() over (partition by household_id order by number) as number_in_household,
                      count(*) over (partition by household_id) as count_in_household
               from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int8[])
                   with ordinality as new (household_id, user_id, entity, entity_id, version, number)),
           sequences as (
               insert into notify.live_event_sequences as sequences (household_id, seq)
               select household_id, count(*) from new group by household_id order by household_id
               on conflict (household_id) do update set seq = sequences.seq + excluded.seq
               returning household_id, seq)
           insert into notify.live_events (household_id, seq, user_id, entity, entity_id, version, created_at)
           select household_id, seq - count_in_household + number_in_household, user_id, entity, entity_id, version, $6
           from new join sequences using (household_id)"#,
        &changes.iter().map(|change| change.household_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.user_id).collect::<Vec<_>>() as _,
        &changes.iter().map(|change| change.entity.clone()).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.entity_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.version).collect::<Vec<_>>(),
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The position of a household's last event, or 0.
pub async fn last_seq(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    let last_seq = sqlx::query_scalar!(
        "select seq from notify.live_event_sequences where household_id = $1",
        household_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(last_seq.unwrap_or_default())
}

/// Lists a household's events after a position, in order.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<LiveEvent>, sqlx::Error> {
    sqlx::query_as!(
        LiveEvent,
        r#"select household_id, seq, user_id, entity, entity_id, version from notify.live_events
           where household_id = $1 and seq > $2 order by seq limit $3"#,
        household_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// The visibility horizon: all transactions with a lower id have ended.
pub async fn horizon(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "horizon!""#)
        .fetch_one(connection)
        .await
}

/// Lists the events between two visibility horizons, by household and in order.
pub async fn list_between(
    connection: &mut PgConnection,
    from: i64,
    to: i64,
) -> Result<Vec<LiveEvent>, sqlx::Error> {
    sqlx::query_as!(
        LiveEvent,
        r#"select household_id, seq, user_id, entity, entity_id, version from notify.live_events
           where transaction_id >= $1::bigint::text::xid8 and transaction_id < $2::bigint::text::xid8
           order by household_id, seq"#,
        from,
        to,
    )
    .fetch_all(connection)
    .await
}

/// Deletes up to 1,000 events from before `before` and returns their number.
pub async fn purge(connection: &mut PgConnection, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from notify.live_events where (household_id, seq) in (
               select household_id, seq from notify.live_events where created_at < $1 order by created_at limit 1000)"#,
        before
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
