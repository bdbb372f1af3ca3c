//! Lists the revisions of a transaction: author, time and changed fields.

use fintrac_kit::access::RequestContext;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::LedgerUseCases;
use crate::error::Error;
use crate::store::revisions::{self, RevisionRow};
use crate::store::transactions;

impl LedgerUseCases {
    pub async fn list_revisions(
        &self,
        ctx: &RequestContext,
        transaction_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<RevisionRow>, Error> {
        let page = PageRequest::new(size, token, &format!("revisions {transaction_id}"))?;
        let household = self.household(ctx).await?;
        let mut connection = self.pool.acquire().await?;
        let found = transactions::find(&mut connection, household.id, transaction_id).await?;
        found.ok_or_else(|| Error::not_found("transaction"))?;
        let after = page.after.map_or(0, |cursor| i64::try_from(cursor.id.as_u128()).unwrap_or(i64::MAX));
        let rows =
            revisions::list(&mut connection, household.id, transaction_id, after, page.limit()).await?;
        // Revisions have numbers instead of ids; the cursor carries the number.
        let id = |row: &RevisionRow| Uuid::from_u128(u128::from(row.revision.unsigned_abs()));
        Ok(page.paginate(rows, |row| Cursor::from_id(id(row))))
    }
}
