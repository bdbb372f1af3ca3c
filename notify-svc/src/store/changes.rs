//! Stores each change once; reads it as the audit log and as live events.

use chrono::{DateTime, Utc};
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::change::Change;

/// A change of an entity as the audit log shows it.
#[derive(Debug)]
pub struct AuditLogEntry {
    pub id: Uuid,
    pub service: String,
    pub household_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
    pub kind: String,
    pub changed: Vec<String>,
    pub actor: String,
    pub client_ip: Option<String>,
    pub user_agent: String,
    pub request_id: String,
    pub occurred_at: DateTime<Utc>,
}

/// A live event with its position in the household's stream.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    pub household_id: Uuid,
    pub seq: i64,
    /// The only user who may receive the event. `None`: all members of the household.
    pub user_id: Option<Uuid>,
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
}

/// Inserts the changes that are not stored yet, and numbers the live events of each household.
///
/// The lookup of each id is a scalar subquery, which always uses the index. An anti join would scan
/// the table by a plan that was cached while the table was small.
///
/// Entries of an erased user are stored without client data. Call it at most once per transaction:
/// the sequences are locked in key order.
pub async fn insert(
    connection: &mut PgConnection,
    changes: &[Change],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let id = |text: &str| Uuid::parse_str(text).ok();
    let instant = |change: &Change| {
        let occurred_at = change.event.occurred_at.unwrap_or_default();
        DateTime::from_timestamp(occurred_at.seconds, u32::try_from(occurred_at.nanos).unwrap_or_default())
            .unwrap_or_default()
    };
    let column = |text: fn(&Event) -> &String| {
        changes.iter().map(|change| text(&change.event).clone()).collect::<Vec<_>>()
    };
    let ids = |text: fn(&Event) -> &String| {
        changes.iter().map(|change| id(text(&change.event))).collect::<Vec<_>>()
    };
    sqlx::query!(
        r#"with new as (
               select new.*, count(*) filter (where is_live) over in_order as number_in_household,
                      count(*) filter (where is_live) over (partition by household_id) as count_in_household
               from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::int8[],
                           $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                           $14::timestamptz[], $15::bool[], $16::bool[])
                   with ordinality as new (id, service, household_id, user_id, entity, entity_id, version, kind,
                       changed, actor, client_ip, user_agent, request_id, occurred_at, is_audited, is_live, number)
               where (select true from notify.changes where changes.id = new.id) is null
               window in_order as (partition by household_id order by number)),
           sequences as (
               insert into notify.live_event_sequences as sequences (household_id, seq)
               select household_id, count(*) from new where is_live group by household_id order by household_id
               on conflict (household_id) do update set seq = sequences.seq + excluded.seq
               returning household_id, seq)
           insert into notify.changes (id, service, household_id, seq, user_id, entity, entity_id, version, kind,
                                       changed, actor, client_ip, user_agent, request_id, occurred_at, is_audited,
                                       created_at)
           select new.id, service, new.household_id,
                  case when is_live then seq - count_in_household + number_in_household end,
                  user_id, entity, entity_id, version, kind, string_to_array(changed, ','), actor,
                  case when not is_erased then nullif(client_ip, '')::inet end,
                  case when is_erased then '' else user_agent end,
                  case when is_erased then '' else request_id end, occurred_at, is_audited, $17
           from new left join sequences on sequences.household_id = new.household_id,
               lateral (select case when new.actor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                    then new.actor::uuid end as id) as actor_user,
               lateral (select
                   exists (select from notify.erasures where erasures.user_id = new.user_id)
                   or exists (select from notify.erasures where erasures.household_id = new.household_id)
                   or exists (select from notify.erasures where erasures.user_id = actor_user.id)
                   as is_erased) as erasure"#,
        &ids(|event| &event.id) as _,
        &changes.iter().map(|change| change.service.to_owned()).collect::<Vec<_>>(),
        &ids(|event| &event.household_id) as _,
        &ids(|event| &event.user_id) as _,
        &column(|event| &event.entity),
        &ids(|event| &event.entity_id) as _,
        &changes.iter().map(|change| change.event.version).collect::<Vec<_>>(),
        &column(|event| &event.kind),
        &changes.iter().map(|change| change.event.changed.join(",")).collect::<Vec<_>>(),
        &column(|event| &event.actor),
        &column(|event| &event.client_ip),
        &column(|event| &event.user_agent),
        &column(|event| &event.request_id),
        &changes.iter().map(instant).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.is_audited).collect::<Vec<_>>(),
        &changes.iter().map(Change::is_live).collect::<Vec<_>>(),
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Returns the position of a household's last live event, or 0.
pub async fn last_seq(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    let last_seq = sqlx::query_scalar!(
        "select seq from notify.live_event_sequences where household_id = $1",
        household_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(last_seq.unwrap_or_default())
}

/// Lists a household's live events after a position, in order.
pub async fn list_live_events(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<LiveEvent>, sqlx::Error> {
    sqlx::query_as!(
        LiveEvent,
        r#"select household_id as "household_id!", seq as "seq!",
                  case when entity = 'notification' then user_id end as user_id, entity, entity_id, version
           from notify.changes where household_id = $1 and seq > $2 order by seq limit $3"#,
        household_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Returns the visibility horizon: all transactions with a lower id have ended.
pub async fn horizon(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "horizon!""#)
        .fetch_one(connection)
        .await
}

/// Lists the live events between two visibility horizons, by household and in order.
///
/// `since` excludes rows that a restore brought from a cluster whose transaction ids were higher.
pub async fn list_live_events_between(
    connection: &mut PgConnection,
    from: i64,
    to: i64,
    since: DateTime<Utc>,
) -> Result<Vec<LiveEvent>, sqlx::Error> {
    sqlx::query_as!(
        LiveEvent,
        r#"select household_id as "household_id!", seq as "seq!",
                  case when entity = 'notification' then user_id end as user_id, entity, entity_id, version
           from notify.changes
           where transaction_id >= $1::bigint::text::xid8 and transaction_id < $2::bigint::text::xid8
             and seq is not null and created_at >= $3
           order by household_id, seq"#,
        from,
        to,
        since,
    )
    .fetch_all(connection)
    .await
}

/// Lists a user's audit log, newest first.
///
/// These concern the user, or the user's household but no user in particular. The client
/// data of other users is hidden.
pub async fn list_user_audit_log(
    connection: &mut PgConnection,
    user_id: Uuid,
    household_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AuditLogEntry>, sqlx::Error> {
    let before = before.unwrap_or(Uuid::max());
    sqlx::query_as!(
        AuditLogEntry,
        r#"select id as "id!", service as "service!", household_id, user_id, entity as "entity!",
                  entity_id as "entity_id!", version as "version!", kind as "kind!", changed as "changed!",
                  actor as "actor!", case when is_known then host(client_ip) end as client_ip,
                  case when is_known then user_agent else '' end as "user_agent!",
                  case when is_known then request_id else '' end as "request_id!", occurred_at as "occurred_at!"
           from (
               (select * from notify.changes where user_id = $1 and is_audited and id < $3
                order by id desc limit $4)
               union all
               (select * from notify.changes
                where user_id is null and household_id = $2 and is_audited and id < $3
                order by id desc limit $4)) as entries,
               lateral (select actor = $1::text or actor !~ '^[0-9a-f]{8}-' as is_known) as origin
           order by id desc limit $4"#,
        user_id,
        household_id,
        before,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// A filter of the audit log; an absent field matches any entry.
#[derive(Debug, Clone, Default)]
pub struct AuditLogFilter {
    pub user_id: Option<Uuid>,
    pub action: Option<String>,
    pub entity: Option<String>,
    pub entity_id: Option<Uuid>,
    pub from: Option<DateTime<Utc>>,
    /// The end of the time range, exclusive.
    pub to: Option<DateTime<Utc>>,
}

/// Lists the audit log of all users, newest first.
pub async fn list_audit_log(
    connection: &mut PgConnection,
    filter: &AuditLogFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AuditLogEntry>, sqlx::Error> {
    sqlx::query_as!(
        AuditLogEntry,
        r#"select id, service, household_id, user_id, entity, entity_id, version, kind, changed, actor,
                  host(client_ip) as client_ip, user_agent, request_id, occurred_at
           from notify.changes
           where is_audited and ($1::uuid is null or user_id = $1) and ($2::text is null or kind = $2)
             and ($3::text is null or entity = $3) and ($4::uuid is null or entity_id = $4)
             and ($5::timestamptz is null or occurred_at >= $5)
             and ($6::timestamptz is null or occurred_at < $6)
             and ($7::uuid is null or id < $7)
           order by id desc limit $8"#,
        filter.user_id,
        filter.action,
        filter.entity,
        filter.entity_id,
        filter.from,
        filter.to,
        before,
        limit,
    )
    .fetch_all(connection)
    .await
}
