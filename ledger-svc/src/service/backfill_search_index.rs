//! Backfills the search index of transactions that predate it.

use sqlx::PgPool;

use crate::store::transactions;

/// Transactions in one commit.
const BATCH_SIZE: i64 = 1000;

pub async fn backfill_search_index(pool: &PgPool) -> Result<(), sqlx::Error> {
    loop {
        let mut connection = pool.acquire().await?;
        let rows = transactions::without_search_vector(&mut connection, BATCH_SIZE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        transactions::set_search_vectors(&mut connection, &rows).await?;
    }
}
