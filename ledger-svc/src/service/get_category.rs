//! Reads one live category.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::category::Category;
use crate::error::Error;
use crate::store::categories;

impl LedgerUseCases {
    pub async fn get_category(&self, ctx: &RequestContext, category_id: Uuid) -> Result<Category, Error> {
        let household = self.household(ctx).await?;
        let found = categories::find(&mut *self.pool.acquire().await?, household.id, category_id).await?;
        found.ok_or_else(|| Error::not_found("category"))
    }
}
