//! Idempotency: a repeated request with a key gets the first response.
//!
//! A claim is part of the transaction that does the work: a simultaneous duplicate waits for it,
//! and a rejected request rolls it back and releases the key.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The time for which responses are stored.
pub const RETENTION: TimeDelta = TimeDelta::hours(72);

/// An idempotency key with its scope, and the fingerprint of the request's body.
#[derive(Debug, Clone)]
pub struct Key {
    /// Household of the user; the nil id if the request concerns none.
    pub household_id: Uuid,
    /// User that sent the request.
    pub user_id: Uuid,
    /// Method and path, such as `POST /api/v1/accounts`, or an RPC.
    pub operation: String,
    /// Key as the client sent it: 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the body as sent.
    pub fingerprint: [u8; 32],
}

impl Key {
    /// Returns the scope: two keys with the same scope are the same key.
    pub fn scope(&self) -> (Uuid, Uuid, &str, &str) {
        (self.household_id, self.user_id, &self.operation, &self.key)
    }
}

/// The result of a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is new: the caller does the work and calls [`store`].
    New,
    /// The response of the first request.
    Replay(Vec<u8>),
    /// The key was used with another body.
    KeyMismatch,
}

/// Claims `key`; waits for a duplicate that is in progress.
pub async fn claim(
    connection: &mut PgConnection,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<Claim, sqlx::Error> {
    let claims = claim_all(connection, &[key], now).await?;
    Ok(claims.into_iter().next().unwrap_or(Claim::New))
}

/// Claims keys of different scopes.
/// They are claimed in sort order, so that concurrent claims of the same keys wait and do not
/// deadlock. (Only a key that is released at the same moment is claimed out of order; PostgreSQL
/// then aborts one transaction.)
pub async fn claim_all(
    connection: &mut PgConnection,
    keys: &[&Key],
    now: DateTime<Utc>,
) -> Result<Vec<Claim>, sqlx::Error> {
    let mut found: HashMap<Scope, Claim> = HashMap::new();
    let mut pending = keys.to_vec();
    // A key that exists and then has no row was released meanwhile, so it is claimed again.
    while !pending.is_empty() {
        let inserted = insert(connection, &pending, now).await?;
        let (claimed, known): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|key| inserted.contains(&owned_scope(key)));
        found.extend(claimed.into_iter().map(|key| (owned_scope(key), Claim::New)));
        let mut responses =
            if known.is_empty() { HashMap::new() } else { find_stored(connection, &known).await? };
        pending = Vec::new();
        for key in known {
            match responses.remove(&owned_scope(key)) {
                None => pending.push(key),
                Some((fingerprint, _)) if fingerprint != key.fingerprint => {
                    found.insert(owned_scope(key), Claim::KeyMismatch);
                }
                Some((_, response)) => {
                    found.insert(owned_scope(key), Claim::Replay(response));
                }
            }
        }
    }
    Ok(keys.iter().map(|key| found.remove(&owned_scope(key)).unwrap_or(Claim::New)).collect())
}

/// Inserts the keys that do not exist, and returns their scopes.
async fn insert(
    connection: &mut PgConnection,
    keys: &[&Key],
    now: DateTime<Utc>,
) -> Result<HashSet<Scope>, sqlx::Error> {
    let columns = Columns::from_keys(keys);
    let fingerprints: Vec<_> = keys.iter().map(|key| key.fingerprint.to_vec()).collect();
    let rows = sqlx::query!(
        r#"insert into idempotency_keys (household_id, user_id, operation, key, fingerprint, created_at)
           select household_id, user_id, operation, key, fingerprint, $6
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[])
               as requested (household_id, user_id, operation, key, fingerprint)
           order by household_id, user_id, operation, key
           on conflict (household_id, user_id, operation, key) do nothing
           returning household_id, user_id, operation, key"#,
        &columns.households,
        &columns.users,
        &columns.operations,
        &columns.keys,
        &fingerprints,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, row.user_id, row.operation, row.key)).collect())
}

fn owned_scope(key: &Key) -> Scope {
    (key.household_id, key.user_id, key.operation.clone(), key.key.clone())
}

type Scope = (Uuid, Uuid, String, String);

/// Returns fingerprints and responses of keys that were claimed before.
async fn find_stored(
    connection: &mut PgConnection,
    keys: &[&Key],
) -> Result<HashMap<Scope, (Vec<u8>, Vec<u8>)>, sqlx::Error> {
    let columns = Columns::from_keys(keys);
    let rows = sqlx::query!(
        r#"select household_id, user_id, operation, key, fingerprint, coalesce(response, '') as "response!"
           from idempotency_keys
           where (household_id, user_id, operation, key) in (
               select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]))"#,
        &columns.households,
        &columns.users,
        &columns.operations,
        &columns.keys,
    )
    .fetch_all(connection)
    .await?;
    let entry = rows.into_iter().map(|row| {
        ((row.household_id, row.user_id, row.operation, row.key), (row.fingerprint, row.response))
    });
    Ok(entry.collect())
}

/// Stores the response, in the same transaction as the claim.
pub async fn store(connection: &mut PgConnection, key: &Key, response: &[u8]) -> Result<(), sqlx::Error> {
    store_all(connection, &[(key, response.to_vec())]).await
}

/// Stores the responses of many claims.
pub async fn store_all(
    connection: &mut PgConnection,
    responses: &[(&Key, Vec<u8>)],
) -> Result<(), sqlx::Error> {
    let keys: Vec<_> = responses.iter().map(|(key, _)| *key).collect();
    let columns = Columns::from_keys(&keys);
    let responses: Vec<_> = responses.iter().map(|(_, response)| response.clone()).collect();
    let done = sqlx::query!(
        r#"update idempotency_keys set response = done.response
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[])
               as done (household_id, user_id, operation, key, response)
           where idempotency_keys.household_id = done.household_id and idempotency_keys.user_id = done.user_id
             and idempotency_keys.operation = done.operation and idempotency_keys.key = done.key"#,
        &columns.households,
        &columns.users,
        &columns.operations,
        &columns.keys,
        &responses,
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == u64::try_from(keys.len()).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        // Without its response, the next request would repeat the work.
        Err(sqlx::Error::Protocol("an idempotency key is no longer claimed".to_owned()))
    }
}

/// Releases claimed keys in the transaction that claimed them.
/// It is for work that was rejected while other work in the transaction continues.
pub async fn release_all(connection: &mut PgConnection, keys: &[&Key]) -> Result<(), sqlx::Error> {
    let columns = Columns::from_keys(keys);
    sqlx::query!(
        r#"delete from idempotency_keys where (household_id, user_id, operation, key) in (
               select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]))"#,
        &columns.households,
        &columns.users,
        &columns.operations,
        &columns.keys,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The columns of several keys.
struct Columns {
    households: Vec<Uuid>,
    users: Vec<Uuid>,
    operations: Vec<String>,
    keys: Vec<String>,
}

impl Columns {
    fn from_keys(keys: &[&Key]) -> Self {
        Self {
            households: keys.iter().map(|key| key.household_id).collect(),
            users: keys.iter().map(|key| key.user_id).collect(),
            operations: keys.iter().map(|key| key.operation.clone()).collect(),
            keys: keys.iter().map(|key| key.key.clone()).collect(),
        }
    }
}

/// Deletes responses older than [`RETENTION`], at most 1,000 per call.
/// Returns the number of deleted responses.
pub async fn purge(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"delete from idempotency_keys where ctid = any(array(
               select ctid from idempotency_keys where created_at < $1 limit 1000))"#,
        now - RETENTION,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
