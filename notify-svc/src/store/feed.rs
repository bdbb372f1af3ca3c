//! The live feed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::feed::Change;

/// A change at its place.
#[derive(Debug, Clone)]
pub struct Entry {
    pub household_id: Uuid,
    pub seq: i64,
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
}

/// Appends changes, each to the end of its household's. At most once in a
/// transaction: the heads are locked in key order.
pub async fn append(
    connection: &mut PgConnection,
    changes: &[Change],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"with new as (
               select household_id, user_id, entity, entity_id, version,
                      row_number() over (partition by household_id order by number) as place,
                      count(*) over (partition by household_id) as places
               from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int8[])
                   with ordinality as new (household_id, user_id, entity, entity_id, version, number)),
           heads as (
               insert into notify.feed_heads as heads (household_id, seq)
               select household_id, count(*) from new group by household_id order by household_id
               on conflict (household_id) do update set seq = heads.seq + excluded.seq
               returning household_id, seq)
           insert into notify.feed (household_id, seq, user_id, entity, entity_id, version, told_at)
           select household_id, seq - places + place, user_id, entity, entity_id, version, $6
           from new join heads using (household_id)"#,
        &changes.iter().map(|it| it.household_id).collect::<Vec<_>>(),
        &changes.iter().map(|it| it.user_id).collect::<Vec<_>>() as _,
        &changes.iter().map(|it| it.entity.clone()).collect::<Vec<_>>(),
        &changes.iter().map(|it| it.entity_id).collect::<Vec<_>>(),
        &changes.iter().map(|it| it.version).collect::<Vec<_>>(),
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Where a household's feed ends; 0 before it begins.
pub async fn head(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    let head = sqlx::query_scalar!("select seq from notify.feed_heads where household_id = $1", household_id)
        .fetch_optional(connection)
        .await?;
    Ok(head.unwrap_or_default())
}

/// What comes after a place, in order.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"select household_id, seq, user_id, entity, entity_id, version from notify.feed
           where household_id = $1 and seq > $2 order by seq limit $3"#,
        household_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Below it all transactions have ended.
pub async fn horizon(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "horizon!""#)
        .fetch_one(connection)
        .await
}

/// What was committed by transactions from one horizon to the next, of all
/// households, each in its order.
pub async fn between(connection: &mut PgConnection, from: i64, to: i64) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"select household_id, seq, user_id, entity, entity_id, version from notify.feed
           where transaction_id >= $1::bigint::text::xid8 and transaction_id < $2::bigint::text::xid8
           order by household_id, seq"#,
        from,
        to,
    )
    .fetch_all(connection)
    .await
}

/// Forgets up to 1,000 entries from before `before`; how many there were.
pub async fn purge(connection: &mut PgConnection, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from notify.feed where (household_id, seq) in (
               select household_id, seq from notify.feed where told_at < $1 order by told_at limit 1000)"#,
        before
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
