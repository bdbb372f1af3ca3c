//! Gathering the words of transactions that were written before there was a search.

use sqlx::PgPool;

use crate::store::transactions;

/// Transactions of one commit.
const CHUNK: i64 = 1000;

pub async fn gather_words(pool: &PgPool) -> Result<(), sqlx::Error> {
    loop {
        let mut connection = pool.acquire().await?;
        let rows = transactions::without_words(&mut connection, CHUNK).await?;
        if rows.is_empty() {
            return Ok(());
        }
        transactions::set_words(&mut connection, &rows).await?;
    }
}
