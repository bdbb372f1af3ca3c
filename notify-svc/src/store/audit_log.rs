//! Stores and reads the audit log.

use chrono::{DateTime, Utc};
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use uuid::Uuid;

/// A change of an entity of any service.
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

/// Inserts the events of `service` that are not stored yet.
///
/// Entries of an erased user are stored without client data.
pub async fn insert(
    connection: &mut PgConnection,
    service: &str,
    events: &[Event],
) -> Result<(), sqlx::Error> {
    let id = |text: &str| Uuid::parse_str(text).ok();
    let instant = |event: &Event| {
        let occurred_at = event.occurred_at.unwrap_or_default();
        DateTime::from_timestamp(occurred_at.seconds, u32::try_from(occurred_at.nanos).unwrap_or_default())
            .unwrap_or_default()
    };
    let column = |text: fn(&Event) -> &String| events.iter().map(text).cloned().collect::<Vec<_>>();
    sqlx::query!(
        r#"insert into notify.audit_log (id, service, household_id, user_id, entity, entity_id, version, kind, changed,
                                        actor, client_ip, user_agent, request_id, occurred_at)
           select new.id, $1, household_id, user_id, entity, entity_id, version, kind,
                  string_to_array(changed, ','), actor,
                  case when not is_erased then nullif(client_ip, '')::inet end,
                  case when is_erased then '' else user_agent end,
                  case when is_erased then '' else request_id end, occurred_at
           from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::int8[], $8::text[],
                       $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[])
               as new (id, household_id, user_id, entity, entity_id, version, kind, changed, actor, client_ip,
                       user_agent, request_id, occurred_at),
               lateral (select case when new.actor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                    then new.actor::uuid end as id) as actor_user,
               lateral (select
                   exists (select from notify.erasures where erasures.user_id = new.user_id)
                   or exists (select from notify.erasures where erasures.household_id = new.household_id)
                   or exists (select from notify.erasures where erasures.user_id = actor_user.id)
                   as is_erased) as erasure
           on conflict (id) do nothing"#,
        service,
        &events.iter().map(|event| id(&event.id).unwrap_or_default()).collect::<Vec<_>>(),
        &events.iter().map(|event| id(&event.household_id)).collect::<Vec<_>>() as _,
        &events.iter().map(|event| id(&event.user_id)).collect::<Vec<_>>() as _,
        &column(|event| &event.entity),
        &events.iter().map(|event| id(&event.entity_id).unwrap_or_default()).collect::<Vec<_>>(),
        &events.iter().map(|event| event.version).collect::<Vec<_>>(),
        &column(|event| &event.kind),
        &events.iter().map(|event| event.changed.join(",")).collect::<Vec<_>>(),
        &column(|event| &event.actor),
        &column(|event| &event.client_ip),
        &column(|event| &event.user_agent),
        &column(|event| &event.request_id),
        &events.iter().map(instant).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Lists a user's entries, newest first.
///
/// These concern the user, or the user's household but no user in particular. The client
/// data of other users is hidden.
pub async fn list_for_user(
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
               (select * from notify.audit_log where user_id = $1 and id < $3 order by id desc limit $4)
               union all
               (select * from notify.audit_log where user_id is null and household_id = $2 and id < $3
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

/// Lists the entries of all users, newest first.
pub async fn list(
    connection: &mut PgConnection,
    filter: &AuditLogFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AuditLogEntry>, sqlx::Error> {
    sqlx::query_as!(
        AuditLogEntry,
        r#"select id, service, household_id, user_id, entity, entity_id, version, kind, changed, actor,
                  host(client_ip) as client_ip, user_agent, request_id, occurred_at
           from notify.audit_log
           where ($1::uuid is null or user_id = $1) and ($2::text is null or kind = $2)
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
