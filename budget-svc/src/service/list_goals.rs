//! The household's goals, in the order in which they were made.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::Planning;
use crate::domain::goal::Goal;
use crate::error::Error;
use crate::store::goals;

impl Planning {
    pub async fn list_goals(&self, by: &By, size: Option<i32>, token: &str) -> Result<Page<Goal>, Error> {
        let page = PageRequest::new(size, token, "goals")?;
        let after = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = goals::list(&mut connection, by.principal.household_id, after, page.limit()).await?;
        Ok(page.cut(rows, |goal| Cursor::by_id(goal.id)))
    }
}
