//! A transaction's history: every revision, who, when, what.

use uuid::Uuid;

use super::{By, Ledger};
use crate::error::Error;
use crate::store::revisions::{self, RevisionRow};

impl Ledger {
    pub async fn list_revisions(&self, by: &By, transaction_id: Uuid) -> Result<Vec<RevisionRow>, Error> {
        let household = self.household(by).await?;
        let found = revisions::list(&mut *self.pool.acquire().await?, household.id, transaction_id).await?;
        if found.is_empty() { Err(Error::not_found("transaction")) } else { Ok(found) }
    }
}
