//! Nominal accounts, made on demand.

use sqlx::PgConnection;

use crate::domain::posting::NominalAccount;

/// Makes those that are not there yet, in key order.
pub async fn insert_missing(
    connection: &mut PgConnection,
    accounts: &[NominalAccount],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into ledger.nominal_accounts (household_id, id, purpose, category_id, currency_code)
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
               as new (household_id, id, purpose, category_id, currency_code)
           order by 1, 2
           on conflict do nothing"#,
        &accounts.iter().map(|it| it.household_id).collect::<Vec<_>>(),
        &accounts.iter().map(|it| it.id).collect::<Vec<_>>(),
        &accounts.iter().map(|it| it.purpose.as_str().to_owned()).collect::<Vec<_>>(),
        &accounts.iter().map(|it| it.purpose.category()).collect::<Vec<_>>() as _,
        &accounts.iter().map(|it| it.currency.code().to_owned()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}
