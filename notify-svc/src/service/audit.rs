//! Reading the audit trail: one's own, and everybody's.

use fintrac_kit::access::By;
use fintrac_kit::page::{Cursor, Page, PageRequest};

use super::Inbox;
use crate::error::Error;
use crate::store::activity::{self, Activity, Filter};

impl Inbox {
    /// What concerns the caller, newest first.
    pub async fn list_my_activity(
        &self,
        by: &By,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Activity>, Error> {
        let page = PageRequest::new(size, token, "my activity")?;
        let before = page.after.map(|cursor| cursor.id);
        let (user_id, household_id) = (by.principal.user_id, by.principal.household_id);
        let mut connection = self.pool.acquire().await?;
        let rows =
            activity::list_of_user(&mut connection, user_id, household_id, before, page.limit()).await?;
        Ok(page.cut(rows, |row| Cursor::by_id(row.id)))
    }

    /// Everybody's, newest first.
    pub async fn list_activity(
        &self,
        filter: &Filter,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<Activity>, Error> {
        let page = PageRequest::new(size, token, &format!("activity {filter:?}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = activity::list(&mut connection, filter, before, page.limit()).await?;
        Ok(page.cut(rows, |row| Cursor::by_id(row.id)))
    }
}
