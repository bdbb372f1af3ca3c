//! Appending to the event log.

use chrono::{DateTime, Utc};
use kit_access::caller::RequestOrigin;
use sqlx::PgConnection;
use uuid::Uuid;

/// A state change, as its service records it.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Id of the event.
    pub id: Uuid,
    /// Household that the entity belongs to, if any.
    pub household_id: Option<Uuid>,
    /// User that the change concerns, if any.
    pub user_id: Option<Uuid>,
    /// Type of the changed entity.
    pub entity: &'static str,
    /// Id of the changed entity.
    pub entity_id: Uuid,
    /// Version of the entity after the change, determined under its lock.
    pub version: i64,
    /// Kind of the change.
    pub kind: &'static str,
    /// Names of the changed fields, never their values.
    pub changed: &'a [&'a str],
    /// Origin of the change.
    pub origin: &'a RequestOrigin,
    /// Time of the change.
    pub occurred_at: DateTime<Utc>,
}

/// Returns one of 64 partitions, by household, else by user, else by entity.
/// The last bits of a UUIDv7 are random.
fn partition(event: &NewEvent<'_>) -> i16 {
    let owner = event.household_id.or(event.user_id).unwrap_or(event.entity_id);
    i16::from(owner.as_bytes()[15] % 64)
}

/// Appends `event` in the transaction of the change that it describes.
pub async fn append(connection: &mut PgConnection, event: &NewEvent<'_>) -> Result<(), sqlx::Error> {
    append_all(connection, std::slice::from_ref(event)).await.map(|_| ())
}

/// Appends events and returns the id of the transaction; none without events.
pub async fn append_all(
    connection: &mut PgConnection,
    events: &[NewEvent<'_>],
) -> Result<Option<i64>, sqlx::Error> {
    if events.is_empty() {
        return Ok(None);
    }
    let column = |text: fn(&NewEvent<'_>) -> String| events.iter().map(text).collect::<Vec<_>>();
    sqlx::query_scalar!(
        r#"with appended as (
               insert into events (epoch, id, partition, household_id, user_id, entity, entity_id, version, kind,
                                   changed, actor, client_ip, user_agent, request_id, occurred_at)
               select (select max(epoch) from event_epochs), id, partition, household_id, user_id, entity,
                      entity_id, version, kind, string_to_array(changed, ','), actor, client_ip::inet,
                      user_agent, request_id, occurred_at
               from unnest($1::uuid[], $2::int2[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::int8[],
                           $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                           $14::timestamptz[])
                   as new (id, partition, household_id, user_id, entity, entity_id, version, kind, changed,
                           actor, client_ip, user_agent, request_id, occurred_at)
               returning transaction_id)
           select transaction_id::text::bigint as "transaction_id!" from appended limit 1"#,
        &events.iter().map(|event| event.id).collect::<Vec<_>>(),
        &events.iter().map(partition).collect::<Vec<_>>(),
        &events.iter().map(|event| event.household_id).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.user_id).collect::<Vec<_>>() as _,
        &column(|event| event.entity.to_owned()),
        &events.iter().map(|event| event.entity_id).collect::<Vec<_>>(),
        &events.iter().map(|event| event.version).collect::<Vec<_>>(),
        &column(|event| event.kind.to_owned()),
        &column(|event| event.changed.join(",")),
        &column(|event| event.origin.actor.clone()),
        &events.iter().map(|event| event.origin.client.ip.map(|ip| ip.to_string())).collect::<Vec<_>>() as _,
        &column(|event| event.origin.client.user_agent.clone()),
        &column(|event| event.origin.request_id.clone()),
        &events.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
    )
    .fetch_optional(connection)
    .await
}

/// Opens a new epoch if the current one belongs to another cluster.
/// A service calls it when it starts. After a dump and restore, the old transaction ids are in this
/// cluster's future, where the visibility horizon would hide them and all later events. If the
/// events themselves were dropped, the positions of their readers show this.
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
                 and transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
             or exists (
               select from event_readers
               where event_readers.epoch = max(event_epochs.epoch)
                 and transaction_id::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot()))"#,
        now,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Drops the months of the log that ended at least a month ago, oldest first.
/// Their changes are stored in notify-svc.
/// It stops at a month that one of `readers` has not read. It fails if another session locks the
/// log for seconds, such as a dump of the database.
pub async fn drop_expired_partitions(
    connection: &mut PgConnection,
    readers: &[&str],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let readers: Vec<_> = readers.iter().map(|reader| (*reader).to_owned()).collect();
    // Each in its own transaction, so that writers wait for one drop only.
    while let Some(partition) =
        sqlx::query_scalar!("select drop_expired_event_partition($1, $2)", &readers, now.date_naive())
            .fetch_one(&mut *connection)
            .await?
    {
        tracing::info!(partition, "expired event partition dropped");
    }
    Ok(())
}

/// Records the version of another service's entity if it is newer than before.
/// Returns whether it is newer. Events of one entity may arrive out of order.
pub async fn record_version_if_newer(
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

/// Returns the seconds that the oldest event beyond the visibility horizon waits.
/// An open write transaction anywhere in the cluster holds back every consumer.
pub async fn horizon_lag_seconds(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<f64, sqlx::Error> {
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
