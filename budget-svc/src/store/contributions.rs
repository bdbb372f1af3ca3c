//! Contributions to goals.

use chrono::{DateTime, Utc};
use fintrac_money::Money;
use kit_db::idempotency::{self, Key};
use kit_jobs::EntityKey;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{currency, parse_column};
use crate::domain::contribution::{Contribution, ContributionState, Direction, TransferAccounts};

struct ContributionRow {
    id: Uuid,
    goal_id: Uuid,
    user_id: Uuid,
    direction: String,
    amount: i64,
    currency_code: String,
    account_id: Option<Uuid>,
    goal_account_id: Option<Uuid>,
    note: Option<String>,
    state: String,
    transfer_version: Option<i64>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<ContributionRow> for Contribution {
    type Error = sqlx::Error;

    fn try_from(row: ContributionRow) -> Result<Self, sqlx::Error> {
        let accounts = row.account_id.zip(row.goal_account_id);
        Ok(Self {
            id: row.id,
            goal_id: row.goal_id,
            user_id: row.user_id,
            amount: Money::new(row.amount, currency(&row.currency_code)?),
            direction: parse_column(&row.direction, Direction::from_text)?,
            accounts: accounts
                .map(|(account_id, goal_account_id)| TransferAccounts { goal_account_id, account_id }),
            note: row.note,
            state: parse_column(&row.state, ContributionState::from_text)?,
            transfer_version: row.transfer_version,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// Inserts a contribution with the idempotency key of its request.
pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    contribution: &Contribution,
    key: Option<&Key>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into budget.contributions (household_id, id, goal_id, user_id, amount, account_id, goal_account_id,
               note, state, transfer_version, key_operation, key, version, created_at, direction)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"#,
        household_id,
        contribution.id,
        contribution.goal_id,
        contribution.user_id,
        contribution.amount.minor(),
        contribution.accounts.map(|accounts| accounts.account_id),
        contribution.accounts.map(|accounts| accounts.goal_account_id),
        contribution.note,
        contribution.state.as_str(),
        contribution.transfer_version,
        key.map(|key| key.operation.as_str()),
        key.map(|key| key.key.as_str()),
        contribution.version,
        contribution.created_at,
        contribution.direction.as_str(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    contribution_id: Uuid,
) -> Result<Option<Contribution>, sqlx::Error> {
    let row = sqlx::query_as!(
        ContributionRow,
        r#"select contributions.id, goal_id, user_id, direction, amount, currency_code,
                  contributions.account_id, goal_account_id, note, state, transfer_version, contributions.version,
                  contributions.created_at
           from budget.contributions
           join budget.goals on goals.household_id = contributions.household_id and goals.id = goal_id
           where contributions.household_id = $1 and contributions.id = $2"#,
        household_id,
        contribution_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Contribution::try_from).transpose()
}

/// Finds the contribution of an idempotency key.
/// A rejected one is returned only if there is no other. (Ids of two replicas do not show which
/// came last.)
pub async fn find_by_key(
    connection: &mut PgConnection,
    key: &Key,
) -> Result<Option<(Uuid, ContributionState)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id, state from budget.contributions
           where household_id = $1 and user_id = $2 and key_operation = $3 and key = $4
           order by (state = 'rejected'), id desc limit 1"#,
        key.household_id,
        key.user_id,
        key.operation,
        key.key,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.id, parse_column(&row.state, ContributionState::from_text)?))).transpose()
}

/// Lists the contributions of a goal, newest first, without rejected ones.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Contribution>, sqlx::Error> {
    let rows = sqlx::query_as!(
        ContributionRow,
        r#"select contributions.id, goal_id, user_id, direction, amount, currency_code,
                  contributions.account_id, goal_account_id, note, state, transfer_version, contributions.version,
                  contributions.created_at
           from budget.contributions
           join budget.goals on goals.household_id = contributions.household_id and goals.id = goal_id
           where contributions.household_id = $1 and goal_id = $2 and state <> 'rejected'
             and ($3::uuid is null or contributions.id < $3)
           order by contributions.id desc limit $4"#,
        household_id,
        goal_id,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Contribution::try_from).collect()
}

/// Sums the pending withdrawals of a goal, in minor units.
pub async fn pending_withdrawals(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal_id: Uuid,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(amount), 0)::int8 as "sum!" from budget.contributions
           where household_id = $1 and goal_id = $2 and state = 'pending' and direction = 'withdrawal'"#,
        household_id,
        goal_id,
    )
    .fetch_one(connection)
    .await
}

/// Stores the state of a contribution after reconciling it with the ledger.
pub async fn apply_transfer(
    connection: &mut PgConnection,
    household_id: Uuid,
    contribution: &Contribution,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update budget.contributions
           set amount = $3, state = $4, transfer_version = $5, version = $6,
               account_id = $7
           where household_id = $1 and id = $2"#,
        household_id,
        contribution.id,
        contribution.amount.minor(),
        contribution.state.as_str(),
        contribution.transfer_version,
        contribution.version,
        contribution.accounts.map(|accounts| accounts.account_id),
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Selects the contributions that move money; other ids are ignored.
/// The ids are given as (household, contribution).
pub async fn list_with_transfer(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<EntityKey>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    sqlx::query_as!(
        EntityKey,
        r#"select household_id, id from budget.contributions
           where (household_id, id) in (select * from unnest($1::uuid[], $2::uuid[]))
             and account_id is not null"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await
}

/// Marks a pending contribution as rejected and releases its key.
pub async fn reject(
    connection: &mut PgConnection,
    household_id: Uuid,
    contribution_id: Uuid,
) -> Result<(), sqlx::Error> {
    let rejected = sqlx::query!(
        r#"update budget.contributions
           set state = 'rejected', version = version + 1
           where household_id = $1 and id = $2 and state = 'pending'
           returning user_id, key_operation, key"#,
        household_id,
        contribution_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = rejected else { return Ok(()) };
    if let (Some(operation), Some(key)) = (row.key_operation, row.key) {
        let key = Key { household_id, user_id: row.user_id, operation, key, fingerprint: [0; 32] };
        idempotency::release_all(connection, &[&key]).await?;
    }
    Ok(())
}
