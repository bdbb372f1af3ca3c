//! Writing the log.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::caller::Origin;

/// A state change, as its service records it.
#[derive(Debug)]
pub struct NewEvent<'a> {
    pub id: Uuid,
    pub household_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub entity: &'static str,
    pub entity_id: Uuid,
    /// The entity's version after the change, taken under its lock.
    pub version: i64,
    pub kind: &'static str,
    /// Names of the changed fields; never their values.
    pub changed: &'a [&'a str],
    pub origin: &'a Origin,
    pub occurred_at: DateTime<Utc>,
}

/// One of 64 by household, else by user: the last bits of a UUIDv7 are random.
fn partition(event: &NewEvent<'_>) -> i16 {
    let owner = event.household_id.or(event.user_id).unwrap_or(event.entity_id);
    i16::from(owner.as_bytes()[15] % 64)
}

/// Appends `event` in the transaction of the change that it tells of.
pub async fn append(connection: &mut PgConnection, event: &NewEvent<'_>) -> Result<(), sqlx::Error> {
    let changed: Vec<String> = event.changed.iter().map(|name| (*name).to_owned()).collect();
    sqlx::query!(
        r#"insert into events (epoch, id, partition, household_id, user_id, entity, entity_id, version, kind,
                               changed, actor, client_ip, user_agent, request_id, occurred_at)
           values ((select max(epoch) from event_epochs), $1, $2, $3, $4, $5, $6, $7, $8,
                   $9, $10, $11::text::inet, $12, $13, $14)"#,
        event.id,
        partition(event),
        event.household_id,
        event.user_id,
        event.entity,
        event.entity_id,
        event.version,
        event.kind,
        &changed,
        event.origin.actor,
        event.origin.client.ip.map(|ip| ip.to_string()),
        event.origin.client.user_agent,
        event.origin.request_id,
        event.occurred_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Makes sure that the log's epoch belongs to this cluster. A service calls it
/// when it starts. After a dump and restore the old transaction ids lie in this
/// cluster's future, where the horizon would hide them and all that follow.
pub async fn open_epoch(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext(current_schema() || ' event epoch'))")
        .execute(&mut *transaction)
        .await?;
    sqlx::query!(
        r#"insert into event_epochs (epoch, opened_at)
           select coalesce(max(epoch), 0) + 1, $1 from event_epochs
           having max(epoch) is null or exists (
               select from events
               where events.epoch = max(event_epochs.epoch)
                 and transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))"#,
        now,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Whether `version` of another service's entity is newer than any that has
/// had its effect here; remembers it if so. Events of one entity may arrive swapped.
pub async fn is_newer(
    connection: &mut PgConnection,
    source: &str,
    entity: &str,
    entity_id: Uuid,
    version: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"insert into event_versions (source, entity, entity_id, version) values ($1, $2, $3, $4)
           on conflict (source, entity, entity_id) do update set version = excluded.version
           where event_versions.version < excluded.version"#,
        source,
        entity,
        entity_id,
        version,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How long the oldest event that cannot be read yet has waited, seconds: an
/// open write transaction anywhere in the cluster holds every feed back.
pub async fn horizon_lag(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<f64, sqlx::Error> {
    let oldest = sqlx::query_scalar!(
        r#"select min(occurred_at) from events
           where epoch = (select max(epoch) from event_epochs)
             and transaction_id >= pg_snapshot_xmin(pg_current_snapshot())"#
    )
    .fetch_one(connection)
    .await?;
    let lag = oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default();
    Ok(lag.as_secs_f64())
}
