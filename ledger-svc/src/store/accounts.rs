//! Accounts of households.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use kit_core::text::name_key;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{column, currency};
use crate::domain::account::{Account, AccountState, AccountType};
use crate::domain::posting::BalanceDeltas;

struct AccountRow {
    household_id: Uuid,
    id: Uuid,
    name: String,
    account_type: AccountType,
    currency_code: String,
    description: Option<String>,
    include_in_net_worth: bool,
    is_active: bool,
    balance: i64,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl TryFrom<AccountRow> for Account {
    type Error = sqlx::Error;

    fn try_from(row: AccountRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            account_type: row.account_type,
            description: row.description,
            include_in_net_worth: row.include_in_net_worth,
            is_active: row.is_active,
            projected_balance: Money::new(row.balance, currency(&row.currency_code)?),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// Reads the accounts of a household that match a condition.
macro_rules! select {
    ($connection:expr, $condition:literal $(, $parameter:expr)*) => {
        sqlx::query_as!(
            AccountRow,
            r#"select household_id, id, name, account_type as "account_type: AccountType", currency_code, description,
                      include_in_net_worth, is_active, balance, version, created_at, updated_at, deleted_at
               from ledger.accounts where household_id = $1 "#
                + $condition
            $(, $parameter)*
        )
        .fetch_all($connection)
        .await?
        .into_iter()
        .map(Account::try_from)
        .collect::<Result<Vec<_>, _>>()
    };
}

/// Finds an account, live or deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
) -> Result<Option<Account>, sqlx::Error> {
    Ok(select!(connection, "and id = $2", household_id, account_id)?.pop())
}

/// Lists the live or the deleted accounts in the order in which they were opened.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    deleted: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Account>, sqlx::Error> {
    select!(
        connection,
        "and (deleted_at is not null) = $2 and ($3::uuid is null or id > $3) order by id limit $4",
        household_id,
        deleted,
        after,
        limit
    )
}

/// Sums the changes of accounts after a day, in minor units.
///
/// Accounts without later changes are missing in the result.
pub async fn changes_after(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid, NaiveDate)],
) -> Result<HashMap<(Uuid, Uuid, NaiveDate), i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select requested.household_id as "household_id!", requested.account_id as "account_id!",
                  today as "today!", sum(change)::int8 as "change!"
           from unnest($1::uuid[], $2::uuid[], $3::date[]) as requested (household_id, account_id, today)
           join ledger.daily_totals on daily_totals.household_id = requested.household_id
               and daily_totals.account_id = requested.account_id and day > today
           group by 1, 2, 3"#,
        &column(keys, |(household, _, _)| *household),
        &column(keys, |(_, account, _)| *account),
        &column(keys, |(_, _, today)| *today),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.household_id, row.account_id, row.today), row.change)).collect())
}

/// Adds today's balances to accounts.
///
/// The accounts must be read on the same snapshot or be locked.
pub async fn with_balance(
    connection: &mut PgConnection,
    household_id: Uuid,
    accounts: Vec<Account>,
    today: NaiveDate,
) -> Result<Vec<AccountState>, sqlx::Error> {
    let keys: Vec<_> = accounts.iter().map(|account| (household_id, account.id, today)).collect();
    let later = if keys.is_empty() { HashMap::new() } else { changes_after(connection, &keys).await? };
    let state = |account: Account| {
        let later = later.get(&(household_id, account.id, today)).copied().unwrap_or_default();
        AccountState::new(account, later).ok_or_else(|| sqlx::Error::Decode("balance out of range".into()))
    };
    accounts.into_iter().map(state).collect()
}

/// Finds the live accounts among these ids.
pub async fn find_live(
    connection: &mut PgConnection,
    household_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Account>, sqlx::Error> {
    select!(connection, "and id = any($2) and deleted_at is null order by id", household_id, ids)
}

/// Lists all accounts of a household, including deleted ones.
pub async fn all(connection: &mut PgConnection, household_id: Uuid) -> Result<Vec<Account>, sqlx::Error> {
    select!(connection, "", household_id)
}

/// Lists the names of all accounts of a household, including deleted ones.
pub async fn names(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let rows = sqlx::query!("select id, name from ledger.accounts where household_id = $1", household_id)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Locks accounts, given as (household, account), in key order and reads them.
pub async fn lock(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<(Uuid, Account)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select accounts.household_id, accounts.id, name, account_type as "account_type: AccountType", currency_code,
                  description, include_in_net_worth, is_active, balance, version, created_at, updated_at, deleted_at
           from unnest($1::uuid[], $2::uuid[]) as requested (household_id, id)
           join ledger.accounts using (household_id, id)
           order by accounts.household_id, accounts.id
           for update of accounts"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok((row.household_id, Account::try_from(row)?))).collect()
}

/// Locks all accounts of a household, which prevents postings until the commit.
pub async fn lock_all(connection: &mut PgConnection, household_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select id from ledger.accounts where household_id = $1 order by id for update",
        household_id
    )
    .fetch_all(connection)
    .await
    .map(|_| ())
}

/// Returns those of the (household, name key) pairs that live accounts have.
pub async fn names_taken(
    connection: &mut PgConnection,
    names: &[(Uuid, String)],
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let (households, names): (Vec<_>, Vec<_>) = names.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select accounts.household_id, accounts.name_key
           from unnest($1::uuid[], $2::text[]) as requested (household_id, name_key)
           join ledger.accounts using (household_id, name_key)
           where deleted_at is null"#,
        &households,
        &names,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, row.name_key)).collect())
}

/// Counts the live accounts of households, and all including deleted ones.
pub async fn count(
    connection: &mut PgConnection,
    household_ids: &[Uuid],
) -> Result<Vec<(Uuid, (i64, i64))>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select household_id, count(*) filter (where deleted_at is null) as "live!", count(*) as "all!"
           from ledger.accounts where household_id = any($1) group by household_id"#,
        household_ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.household_id, (row.live, row.all))).collect())
}

/// Inserts accounts, given with their households, with a balance of zero.
pub async fn insert(connection: &mut PgConnection, opened: &[(Uuid, &Account)]) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.accounts (household_id, id, name, name_key, account_type, currency_code, description,
                                        include_in_net_worth, is_active, version, created_at, updated_at, balance)
           select *, 0
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::bool[], $9::bool[], $10::int8[], $11::timestamptz[], $12::timestamptz[])"#,
        &column(opened, |(household, _)| *household),
        &column(opened, |(_, account)| account.id),
        &column(opened, |(_, account)| account.name.clone()),
        &column(opened, |(_, account)| name_key(&account.name)),
        &column(opened, |(_, account)| account.account_type) as _,
        &column(opened, |(_, account)| account.currency().code().to_owned()),
        &column(opened, |(_, account)| account.description.clone()) as _,
        &column(opened, |(_, account)| account.include_in_net_worth),
        &column(opened, |(_, account)| account.is_active),
        &column(opened, |(_, account)| account.version),
        &column(opened, |(_, account)| account.created_at),
        &column(opened, |(_, account)| account.updated_at),
    )
}

/// Updates locked accounts, except for their balances.
pub async fn update(connection: &mut PgConnection, changed: &[(Uuid, &Account)]) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.accounts set name = new.name, name_key = new.name_key, account_type = new.account_type,
               description = new.description, include_in_net_worth = new.include_in_net_worth,
               is_active = new.is_active, version = new.version, updated_at = new.updated_at,
               deleted_at = new.deleted_at
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[],
                       $8::bool[], $9::int8[], $10::timestamptz[], $11::timestamptz[])
               as new (household_id, id, name, name_key, account_type, description, include_in_net_worth,
                       is_active, version, updated_at, deleted_at)
           where accounts.household_id = new.household_id and accounts.id = new.id"#,
        &column(changed, |(household, _)| *household),
        &column(changed, |(_, account)| account.id),
        &column(changed, |(_, account)| account.name.clone()),
        &column(changed, |(_, account)| name_key(&account.name)),
        &column(changed, |(_, account)| account.account_type) as _,
        &column(changed, |(_, account)| account.description.clone()) as _,
        &column(changed, |(_, account)| account.include_in_net_worth),
        &column(changed, |(_, account)| account.is_active),
        &column(changed, |(_, account)| account.version),
        &column(changed, |(_, account)| account.updated_at),
        &column(changed, |(_, account)| account.deleted_at) as _,
    )
}

/// Adds changes to the balances of locked accounts.
pub async fn apply_balance_deltas(
    connection: &mut PgConnection,
    deltas: &BalanceDeltas,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.accounts set balance = balance + moved.change
           from unnest($1::uuid[], $2::uuid[], $3::int8[]) as moved (household_id, id, change)
           where accounts.household_id = moved.household_id and accounts.id = moved.id"#,
        &deltas.balances.keys().map(|(household, _)| *household).collect::<Vec<_>>(),
        &deltas.balances.keys().map(|(_, account)| *account).collect::<Vec<_>>(),
        &deltas.balances.values().copied().collect::<Vec<_>>(),
    )
}
