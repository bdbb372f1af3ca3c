//! The household's budgets, in the order in which they were made.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::Planning;
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::budgets;

impl Planning {
    pub async fn list_budgets(&self, by: &By, size: Option<i32>, token: &str) -> Result<Page<Budget>, Error> {
        let page = PageRequest::new(size, token, "budgets")?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = budgets::list(&mut connection, by.principal.household_id, after, page.limit()).await?;
        Ok(page.cut(rows, |budget| Cursor::by_id(budget.id)))
    }
}
