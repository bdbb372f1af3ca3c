//! Lists the household's categories in the order of their creation.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::FieldViolation;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};

use super::LedgerUseCases;
use crate::domain::category::{Category, CategoryType};
use crate::error::Error;
use crate::store::categories;

impl LedgerUseCases {
    /// Lists categories; an empty `category_type` means both types.
    pub async fn list_categories(
        &self,
        ctx: &RequestContext,
        category_type: &str,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Category>, Error> {
        let type_filter = CategoryType::from_text(category_type);
        if type_filter.is_none() && !category_type.is_empty() {
            let violation =
                FieldViolation::new("type", "PARAMETER_INVALID", "The type must be income or expense.");
            return Err(Error::InvalidQuery(vec![violation]));
        }
        let page = PageRequest::new(size, token, &format!("categories {type_filter:?}"))?;
        let household = self.household(ctx).await?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = categories::list(&mut connection, household.id, type_filter, after, page.limit()).await?;
        Ok(page.paginate(rows, |category| Cursor::from_id(category.id)))
    }
}
