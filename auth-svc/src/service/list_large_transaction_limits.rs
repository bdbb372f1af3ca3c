//! Lists the amounts above which members are notified of a transaction.

use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::preferences::{self, LargeTransactionLimit};

impl IdentityUseCases {
    pub async fn list_large_transaction_limits(
        &self,
        household_ids: &[Uuid],
    ) -> Result<Vec<LargeTransactionLimit>, Error> {
        Ok(preferences::list_large_transaction_limits(&mut *self.pool.acquire().await?, household_ids)
            .await?)
    }
}
