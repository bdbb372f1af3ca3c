//! Exported data about a user, one section per table.
//! Hashes, seeds and other secrets are left out. The caller decrypts the phone number.

use fintrac_kit::export::{PAGE_SIZE, SectionRowById};
use sqlx::PgConnection;
use uuid::Uuid;

/// Lists up to [`PAGE_SIZE`] rows of a section after `after`.
pub async fn page(
    connection: &mut PgConnection,
    section: &str,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<SectionRowById>, sqlx::Error> {
    match section {
        "households" => sqlx::query_as!(
            SectionRowById,
            r#"select households.id, jsonb_build_object('id', households.id, 'role', role, 'currency_code',
                       currency_code, 'timezone', timezone, 'created_at', created_at)::text as "json!"
                   from auth.memberships join auth.households on households.id = household_id
                   where user_id = $1 and households.id > $2 order by households.id limit $3"#,
            user_id,
            after,
            PAGE_SIZE
        )
        .fetch_all(connection)
        .await,
        "roles" => {
            let roles = sqlx::query_scalar!(
                r#"select coalesce(jsonb_agg(role order by role), '[]')::text as "json!"
                   from auth.user_roles where user_id = $1"#,
                user_id
            )
            .fetch_one(connection)
            .await?;
            Ok(single_row(after, &roles, "roles"))
        }
        "notification_channels" => {
            let channels = sqlx::query_scalar!(
                r#"select coalesce(jsonb_object_agg(kind, jsonb_build_object('mail', email, 'inbox', inbox)),
                       '{}')::text as "json!"
                   from auth.notification_channels where user_id = $1"#,
                user_id
            )
            .fetch_one(connection)
            .await?;
            Ok(single_row(after, &channels, "channels"))
        }
        "account" => Ok(single_row(after, &account(connection, user_id).await?, "account")),
        "challenges" => challenges(connection, user_id, after).await,
        "sessions" => sqlx::query_as!(
            SectionRowById,
            r#"select id, jsonb_build_object('id', id, 'device_id', device_id, 'client_ip', host(client_ip),
                       'user_agent', user_agent, 'created_at', created_at, 'last_seen_at', last_seen_at,
                       'idle_expires_at', idle_expires_at, 'expires_at', expires_at, 'ended_at', ended_at)::text as "json!"
                   from auth.sessions where user_id = $1 and id > $2 order by id limit $3"#,
            user_id,
            after,
            PAGE_SIZE
        )
        .fetch_all(connection)
        .await,
        "devices" => {
            sqlx::query_as!(
                SectionRowById,
                r#"select id, jsonb_build_object('id', id, 'name', name, 'platform', platform, 'os_version',
                       os_version, 'app_version', app_version, 'user_agent', user_agent, 'client_ip',
                       host(client_ip), 'is_trusted', is_trusted, 'first_seen_at', first_seen_at,
                       'last_seen_at', last_seen_at)::text as "json!"
                   from auth.devices where user_id = $1 and id > $2 order by id limit $3"#,
                user_id,
                after,
                PAGE_SIZE
            )
            .fetch_all(connection)
            .await
        }
        "security_events" => {
            sqlx::query_as!(
                SectionRowById,
                r#"select id, jsonb_build_object('id', id, 'kind', kind, 'detail', detail, 'session_id',
                       session_id, 'client_ip', host(client_ip), 'user_agent', user_agent, 'request_id',
                       request_id, 'occurred_at', occurred_at)::text as "json!"
                   from auth.security_events where user_id = $1 and id > $2 order by id limit $3"#,
                user_id,
                after,
                PAGE_SIZE
            )
            .fetch_all(connection)
            .await
        }
        "ip_rules" => sqlx::query_as!(
            SectionRowById,
            r#"select id, jsonb_build_object('id', id, 'action', action, 'cidr', network::text, 'note', note,
                       'created_at', created_at)::text as "json!"
                   from auth.ip_rules where user_id = $1 and id > $2 order by id limit $3"#,
            user_id,
            after,
            PAGE_SIZE
        )
        .fetch_all(connection)
        .await,
        _ => Ok(Vec::new()),
    }
}

/// Returns the state of the user's account.
async fn account(connection: &mut PgConnection, user_id: Uuid) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'email_verified_at', email_verified_at, 'last_login_at', last_login_at, 'erase_at', erase_at,
               'second_factor_enrolled_at', (select created_at from auth.totp where user_id = users.id),
               'second_factor_confirmed_at', (select confirmed_at from auth.totp where user_id = users.id),
               'recovery_codes_used_at', array(select used_at from auth.recovery_codes
                   where user_id = users.id and used_at is not null order by used_at))::text as "json!"
           from auth.users where id = $1"#,
        user_id
    )
    .fetch_one(connection)
    .await
}

/// Lists the user's email challenges.
async fn challenges(
    connection: &mut PgConnection,
    user_id: Uuid,
    after: Uuid,
) -> Result<Vec<SectionRowById>, sqlx::Error> {
    sqlx::query_as!(
        SectionRowById,
        r#"select id, jsonb_build_object('id', id, 'purpose', purpose, 'email', email, 'former_email',
               previous_email, 'created_at', created_at, 'expires_at', token_expires_at, 'closed_at',
               closed_at)::text as "json!"
           from auth.challenges where user_id = $1 and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

/// Builds a section of one row.
fn single_row(after: Uuid, value: &str, name: &str) -> Vec<SectionRowById> {
    let row = SectionRowById { id: Uuid::max(), json: format!("{{\"{name}\":{value}}}") };
    if after.is_nil() { vec![row] } else { Vec::new() }
}
