//! What was set aside for a goal, newest first.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};
use uuid::Uuid;

use super::Planning;
use crate::domain::contribution::Contribution;
use crate::error::Error;
use crate::store::contributions;

impl Planning {
    pub async fn list_contributions(
        &self,
        by: &By,
        goal_id: Uuid,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Contribution>, Error> {
        let page = PageRequest::new(size, token, &format!("contributions {goal_id}"))?;
        let goal = self.find_goal(by, goal_id).await?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let household_id = by.principal.household_id;
        let rows = contributions::list(&mut connection, household_id, goal.id, before, page.limit()).await?;
        Ok(page.cut(rows, |contribution| Cursor::by_id(contribution.id)))
    }
}
