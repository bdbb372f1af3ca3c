//! Splits of transactions with several categories.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::transaction::Transaction;

/// Replaces the splits of transactions, given with their households.
pub async fn replace(
    connection: &mut PgConnection,
    transactions: &[(Uuid, &Transaction)],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"delete from ledger.splits using unnest($1::uuid[], $2::uuid[]) as gone (household_id, transaction_id)
           where splits.household_id = gone.household_id and splits.transaction_id = gone.transaction_id"#,
        &transactions.iter().map(|(household, _)| *household).collect::<Vec<_>>(),
        &transactions.iter().map(|(_, transaction)| transaction.id).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    let mut rows = Vec::new();
    for (household, transaction) in transactions {
        rows.extend(
            (0_i16..)
                .zip(&transaction.splits)
                .map(|(number, split)| (*household, *transaction, number, split)),
        );
    }
    sqlx::query!(
        r#"insert into ledger.splits (household_id, transaction_id, number, category_id, amount, description,
                                      transaction_date, status)
           select * from unnest($1::uuid[], $2::uuid[], $3::int2[], $4::uuid[], $5::int8[], $6::text[], $7::date[],
                                $8::text[])"#,
        &rows.iter().map(|(household, ..)| *household).collect::<Vec<_>>(),
        &rows.iter().map(|(_, transaction, ..)| transaction.id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, _, number, _)| *number).collect::<Vec<_>>(),
        &rows.iter().map(|(.., split)| split.category_id).collect::<Vec<_>>(),
        &rows.iter().map(|(.., split)| split.amount.minor()).collect::<Vec<_>>(),
        &rows.iter().map(|(.., split)| split.description.clone()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, transaction, ..)| transaction.date).collect::<Vec<_>>(),
        &rows.iter().map(|(_, transaction, ..)| transaction.status.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map(|_| ())
}
