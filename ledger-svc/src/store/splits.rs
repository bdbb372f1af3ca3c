//! Splits of transactions with several categories.

use sqlx::PgConnection;
use uuid::Uuid;

use super::column;
use crate::domain::transaction::Transaction;

/// Replaces the splits of transactions, given with their households.
pub async fn replace(
    connection: &mut PgConnection,
    transactions: &[(Uuid, &Transaction)],
) -> Result<(), sqlx::Error> {
    execute!(
        &mut *connection,
        r#"delete from ledger.splits using unnest($1::uuid[], $2::uuid[]) as gone (household_id, transaction_id)
           where splits.household_id = gone.household_id and splits.transaction_id = gone.transaction_id"#,
        &column(transactions, |(household, _)| *household),
        &column(transactions, |(_, transaction)| transaction.id),
    )?;
    let mut rows = Vec::new();
    for (household, transaction) in transactions {
        rows.extend(
            (0_i16..)
                .zip(&transaction.splits)
                .map(|(number, split)| (*household, *transaction, number, split)),
        );
    }
    execute!(
        connection,
        r#"insert into ledger.splits (household_id, transaction_id, number, category_id, amount, description,
                                      transaction_date, status)
           select * from unnest($1::uuid[], $2::uuid[], $3::int2[], $4::uuid[], $5::int8[], $6::text[], $7::date[],
                                $8::text[])"#,
        &column(&rows, |(household, ..)| *household),
        &column(&rows, |(_, transaction, ..)| transaction.id),
        &column(&rows, |(_, _, number, _)| *number),
        &column(&rows, |(.., split)| split.category_id),
        &column(&rows, |(.., split)| split.amount.minor()),
        &column(&rows, |(.., split)| split.description.clone()) as _,
        &column(&rows, |(_, transaction, ..)| transaction.date),
        &column(&rows, |(_, transaction, ..)| transaction.status) as _,
    )
}
