//! Networks that are allowed or denied.

use chrono::{DateTime, Utc};
use kit_access::EnforcedIpRule;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::ip_rule::{Action, NewIpRule};

#[derive(Debug, Clone)]
pub struct IpRule {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub action: Action,
    /// CIDR notation.
    pub cidr: String,
    pub note: String,
    pub created_at: DateTime<Utc>,
}

impl IpRule {
    /// Returns the rule in the form that verifiers use.
    pub fn to_enforced(&self) -> Option<EnforcedIpRule> {
        let allow = self.action == Action::Allow;
        Some(EnforcedIpRule { user_id: self.user_id, network: self.cidr.parse().ok()?, allow })
    }
}

pub async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    rule: &NewIpRule,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into auth.ip_rules (id, user_id, action, network, note, created_at)
           values ($1, $2, $3, $4::text::cidr, $5, $6)"#,
        id,
        rule.user_id,
        rule.action as Action,
        rule.network.to_string(),
        rule.note,
        now
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Lists all rules, for verifiers.
pub async fn list_all(connection: &mut PgConnection) -> Result<Vec<IpRule>, sqlx::Error> {
    list(connection, None, MAX_IP_RULES).await
}

/// The maximum number of rules, because every verifier holds all of them.
pub const MAX_IP_RULES: i64 = 10_000;

pub async fn count(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from auth.ip_rules"#).fetch_one(connection).await
}

/// Lists the rules, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<IpRule>, sqlx::Error> {
    sqlx::query_as!(
        IpRule,
        r#"select id, user_id, action as "action: Action", network::text as "cidr!", note, created_at
           from auth.ip_rules where $1::uuid is null or id < $1 order by id desc limit $2"#,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Deletes a rule and returns it.
pub async fn delete(connection: &mut PgConnection, id: Uuid) -> Result<Option<IpRule>, sqlx::Error> {
    sqlx::query_as!(
        IpRule,
        r#"delete from auth.ip_rules where id = $1
           returning id, user_id, action as "action: Action", network::text as "cidr!", note, created_at"#,
        id
    )
    .fetch_optional(connection)
    .await
}

pub async fn delete_all(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!("delete from auth.ip_rules").execute(connection).await?.rows_affected())
}
