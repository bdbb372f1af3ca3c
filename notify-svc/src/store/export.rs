//! What is stored about a user here, a section at a time.

use fintrac_kit::export::{PAGE, Row};
use sqlx::PgConnection;
use uuid::Uuid;

pub async fn notifications(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select id, jsonb_build_object('id', id, 'kind', kind, 'title', title, 'body', body, 'entity', entity,
               'entity_id', entity_id, 'locale', locale, 'in_inbox', in_inbox, 'read_at', read_at,
               'created_at', created_at)::text as "json!"
           from notify.notifications where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE
    )
    .fetch_all(connection)
    .await
}

/// That a mail went out; what it said is stored nowhere.
pub async fn mails(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select id, jsonb_build_object('id', id, 'kind', kind, 'state', state, 'created_at', created_at,
               'settled_at', settled_at)::text as "json!"
           from notify.mails where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE
    )
    .fetch_all(connection)
    .await
}

pub async fn activity(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select id, jsonb_build_object('id', id, 'part', part, 'action', kind, 'entity', entity, 'entity_id',
               entity_id, 'version', version, 'changed', changed, 'actor', actor, 'client_ip', host(client_ip),
               'user_agent', user_agent, 'request_id', request_id, 'occurred_at', occurred_at)::text as "json!"
           from notify.activity where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE
    )
    .fetch_all(connection)
    .await
}
