//! Reads categories.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::LedgerUseCases;
use super::query_parser::QueryParser;
use crate::domain::category::CategoryRef;
use crate::domain::category::{Category, CategoryType};
use crate::domain::parse;
use crate::error::Error;
use crate::store::categories;

impl LedgerUseCases {
    /// Reads a live category.
    pub async fn get_category(&self, ctx: &RequestContext, category_id: Uuid) -> Result<Category, Error> {
        let household = self.household(ctx).await?;
        let found = categories::find(&mut *self.pool.acquire().await?, household.id, category_id).await?;
        found.ok_or_else(|| Error::not_found("category"))
    }

    /// Returns the `category_ids` that are live or merged into a live category.
    ///
    /// It is for other services.
    pub async fn find_categories(
        &self,
        household_id: Uuid,
        category_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, CategoryRef)>, Error> {
        let keys: Vec<_> = category_ids.iter().map(|id| (household_id, *id)).collect();
        let found = categories::find_live(&mut *self.pool.acquire().await?, &keys).await?;
        Ok(found.into_iter().map(|((_, requested), category)| (requested, category)).collect())
    }

    /// Lists categories in the order of their creation.
    ///
    /// An empty `category_type` means both types.
    pub async fn list_categories(
        &self,
        ctx: &RequestContext,
        category_type: &str,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Category>, Error> {
        let mut query = QueryParser::default();
        let hint = "The type must be income or expense.";
        let type_filter = query.parse("type", category_type, parse::<CategoryType>, hint);
        query.finish(Some(()))?;
        let page = PageRequest::new(size, token, &format!("categories {type_filter:?}"))?;
        let household = self.household(ctx).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = categories::list(&mut connection, household.id, type_filter, after, page.limit()).await?;
        Ok(page.paginate(rows, |category| Cursor::from_id(category.id)))
    }
}
