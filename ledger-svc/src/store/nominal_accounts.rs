//! Nominal accounts, which are created on demand.

use fintrac_money::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{column, currency};
use crate::domain::posting::NominalAccount;

/// Inserts the accounts that do not exist yet, in key order.
pub async fn insert_missing(
    connection: &mut PgConnection,
    accounts: &[NominalAccount],
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.nominal_accounts (household_id, id, purpose, category_id, currency_code)
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
               as new (household_id, id, purpose, category_id, currency_code)
           order by 1, 2
           on conflict do nothing"#,
        &column(accounts, |account| account.household_id),
        &column(accounts, |account| account.id),
        &column(accounts, |account| account.purpose.into_str().to_owned()),
        &column(accounts, |account| account.purpose.category()) as _,
        &column(accounts, |account| account.currency.code().to_owned()),
    )
}

/// The nominal account of a category in a currency.
#[derive(Debug)]
pub struct CategoryAccount {
    pub id: Uuid,
    pub category_id: Uuid,
    pub currency: Currency,
}

/// Merges accounts, and those merged into them before, into others: (from, to).
pub async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    pairs: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    let (from, to): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    execute!(
        connection,
        r#"update ledger.nominal_accounts set merged_into = pair.target
           from unnest($2::uuid[], $3::uuid[]) as pair (source, target)
           where household_id = $1 and (id = pair.source or merged_into = pair.source)"#,
        household_id,
        &from,
        &to,
    )
}

/// Lists the nominal accounts of a household's categories, without merged ones.
pub async fn list_for_categories(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<CategoryAccount>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, category_id as "category_id!", currency_code from ledger.nominal_accounts
           where household_id = $1 and purpose = 'category' and merged_into is null"#,
        household_id
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency_code)?;
            Ok(CategoryAccount { id: row.id, category_id: row.category_id, currency })
        })
        .collect()
}
