//! Lists the household's budgets in the order of their creation.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};

use super::BudgetUseCases;
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::budgets;

impl BudgetUseCases {
    pub async fn list_budgets(
        &self,
        ctx: &RequestContext,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Budget>, Error> {
        let page = PageRequest::new(size, token, "budgets")?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = budgets::list(&mut connection, ctx.principal.household_id, after, page.limit()).await?;
        Ok(page.paginate(rows, |budget| Cursor::from_id(budget.id)))
    }
}
