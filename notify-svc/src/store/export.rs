//! Reads the sections of a user's data export.

use fintrac_kit::export::{PAGE_SIZE, SectionRowById};
use sqlx::PgConnection;
use uuid::Uuid;

pub async fn notifications(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<SectionRowById>, sqlx::Error> {
    sqlx::query_as!(
        SectionRowById,
        r#"select id, jsonb_build_object('id', id, 'kind', kind, 'title', title, 'body', body, 'entity', entity,
               'entity_id', entity_id, 'locale', locale, 'in_inbox', in_inbox, 'read_at', read_at,
               'created_at', created_at)::text as "json!"
           from notify.notifications where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

/// Reads the email queue, which stores no addresses or texts.
pub async fn emails(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<SectionRowById>, sqlx::Error> {
    sqlx::query_as!(
        SectionRowById,
        r#"select id, jsonb_build_object('id', id, 'kind', kind, 'state', state, 'created_at', created_at,
               'settled_at', settled_at)::text as "json!"
           from notify.emails where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

/// Reads the audit log entries of a user.
///
/// These concern the user or the user's household, or the user made the change. The client
/// data of other users is left out.
pub async fn audit_log(
    connection: &mut PgConnection,
    user_id: Uuid,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<SectionRowById>, sqlx::Error> {
    sqlx::query_as!(
        SectionRowById,
        r#"select id as "id!", jsonb_build_object('id', id, 'part', service, 'action', kind, 'entity', entity,
               'entity_id', entity_id, 'version', version, 'changed', changed, 'actor', actor,
               'client_ip', case when is_known then host(client_ip) end,
               'user_agent', case when is_known then user_agent end,
               'request_id', case when is_known then request_id end, 'occurred_at', occurred_at)::text as "json!"
           from (
               (select * from notify.changes where user_id = $1 and is_audited and id > $3 order by id limit $4)
               union all
               (select * from notify.changes where user_id is null and household_id = $2 and is_audited and id > $3
                order by id limit $4)
               union all
               (select * from notify.changes
                where is_audited and actor = $1::text and actor <> coalesce(user_id::text, '') and id > $3
                  and not (user_id is null and household_id is not distinct from $2)
                order by id limit $4)) as entries,
               lateral (select actor = $1::text or actor !~ '^[0-9a-f]{8}-' as is_known) as origin
           order by id limit $4"#,
        user_id,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}
