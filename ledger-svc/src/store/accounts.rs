//! Accounts of households.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_kit::text::name_key;
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{currency, parse_stored};
use crate::domain::account::{Account, AccountState, AccountType};
use crate::domain::posting::BalanceDeltas;

struct AccountRow {
    household_id: Uuid,
    id: Uuid,
    name: String,
    account_type: String,
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
            account_type: parse_stored(&row.account_type, AccountType::from_text)?,
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

/// Finds an account, live or deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
) -> Result<Option<Account>, sqlx::Error> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"select household_id, id, name, account_type, currency_code, description, include_in_net_worth,
                  is_active, balance, version, created_at, updated_at, deleted_at
           from ledger.accounts where household_id = $1 and id = $2"#,
        household_id,
        account_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Account::try_from).transpose()
}

/// Lists the live or the deleted accounts in the order in which they were opened.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    deleted: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Account>, sqlx::Error> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select household_id, id, name, account_type, currency_code, description, include_in_net_worth,
                  is_active, balance, version, created_at, updated_at, deleted_at
           from ledger.accounts
           where household_id = $1 and (deleted_at is not null) = $2 and ($3::uuid is null or id > $3)
           order by id limit $4"#,
        household_id,
        deleted,
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
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
        &keys.iter().map(|(household, _, _)| *household).collect::<Vec<_>>(),
        &keys.iter().map(|(_, account, _)| *account).collect::<Vec<_>>(),
        &keys.iter().map(|(_, _, today)| *today).collect::<Vec<_>>(),
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
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select household_id, id, name, account_type, currency_code, description, include_in_net_worth,
                  is_active, balance, version, created_at, updated_at, deleted_at
           from ledger.accounts
           where household_id = $1 and id = any($2) and deleted_at is null order by id"#,
        household_id,
        ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Lists all accounts of a household, including deleted ones.
pub async fn all(connection: &mut PgConnection, household_id: Uuid) -> Result<Vec<Account>, sqlx::Error> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select household_id, id, name, account_type, currency_code, description, include_in_net_worth,
                  is_active, balance, version, created_at, updated_at, deleted_at
           from ledger.accounts where household_id = $1"#,
        household_id,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
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
        r#"select accounts.household_id, accounts.id, name, account_type, currency_code, description,
                  include_in_net_worth, is_active, balance, version, created_at, updated_at, deleted_at
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
    let c = Columns::from_rows(opened);
    sqlx::query!(
        r#"insert into ledger.accounts (household_id, id, name, account_type, currency_code, description,
                                        include_in_net_worth, is_active, version, created_at, updated_at, name_key,
                                        balance)
           select *, 0
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[],
                       $8::bool[], $9::int8[], $10::timestamptz[], $11::timestamptz[], $12::text[])"#,
        &c.households,
        &c.ids,
        &c.names,
        &c.types,
        &c.currencies,
        &c.descriptions as _,
        &c.in_net_worth,
        &c.active,
        &c.versions,
        &c.created,
        &c.updated,
        &c.name_keys,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Updates locked accounts, except for their balances.
pub async fn update(connection: &mut PgConnection, changed: &[(Uuid, &Account)]) -> Result<(), sqlx::Error> {
    let c = Columns::from_rows(changed);
    sqlx::query!(
        r#"update ledger.accounts set name = new.name, account_type = new.account_type,
               description = new.description, include_in_net_worth = new.include_in_net_worth,
               is_active = new.is_active, version = new.version, updated_at = new.updated_at,
               deleted_at = new.deleted_at, name_key = new.name_key
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::bool[],
                       $8::int8[], $9::timestamptz[], $10::timestamptz[], $11::text[])
               as new (household_id, id, name, account_type, description, include_in_net_worth, is_active,
                       version, updated_at, deleted_at, name_key)
           where accounts.household_id = new.household_id and accounts.id = new.id"#,
        &c.households,
        &c.ids,
        &c.names,
        &c.types,
        &c.descriptions as _,
        &c.in_net_worth,
        &c.active,
        &c.versions,
        &c.updated,
        &changed.iter().map(|(_, account)| account.deleted_at).collect::<Vec<_>>() as _,
        &c.name_keys,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The columns of accounts, as arrays for `unnest`.
struct Columns {
    households: Vec<Uuid>,
    ids: Vec<Uuid>,
    names: Vec<String>,
    name_keys: Vec<String>,
    types: Vec<String>,
    currencies: Vec<String>,
    descriptions: Vec<Option<String>>,
    in_net_worth: Vec<bool>,
    active: Vec<bool>,
    versions: Vec<i64>,
    created: Vec<DateTime<Utc>>,
    updated: Vec<DateTime<Utc>>,
}

impl Columns {
    fn from_rows(rows: &[(Uuid, &Account)]) -> Self {
        Self {
            households: rows.iter().map(|(household, _)| *household).collect(),
            ids: rows.iter().map(|(_, account)| account.id).collect(),
            names: rows.iter().map(|(_, account)| account.name.clone()).collect(),
            name_keys: rows.iter().map(|(_, account)| name_key(&account.name)).collect(),
            types: rows.iter().map(|(_, account)| account.account_type.as_str().to_owned()).collect(),
            currencies: rows.iter().map(|(_, account)| account.currency().code().to_owned()).collect(),
            descriptions: rows.iter().map(|(_, account)| account.description.clone()).collect(),
            in_net_worth: rows.iter().map(|(_, account)| account.include_in_net_worth).collect(),
            active: rows.iter().map(|(_, account)| account.is_active).collect(),
            versions: rows.iter().map(|(_, account)| account.version).collect(),
            created: rows.iter().map(|(_, account)| account.created_at).collect(),
            updated: rows.iter().map(|(_, account)| account.updated_at).collect(),
        }
    }
}

/// Adds changes to the balances of locked accounts.
pub async fn apply_balance_deltas(
    connection: &mut PgConnection,
    deltas: &BalanceDeltas,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update ledger.accounts set balance = balance + moved.change
           from unnest($1::uuid[], $2::uuid[], $3::int8[]) as moved (household_id, id, change)
           where accounts.household_id = moved.household_id and accounts.id = moved.id"#,
        &deltas.balances.keys().map(|(household, _)| *household).collect::<Vec<_>>(),
        &deltas.balances.keys().map(|(_, account)| *account).collect::<Vec<_>>(),
        &deltas.balances.values().copied().collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}
