//! One budget.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::Planning;
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::budgets;

impl Planning {
    pub async fn get_budget(&self, by: &By, budget_id: Uuid) -> Result<Budget, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = budgets::find(&mut connection, by.principal.household_id, budget_id).await?;
        found.ok_or(Error::NotFound("budget"))
    }
}
