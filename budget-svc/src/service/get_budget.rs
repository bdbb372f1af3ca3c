//! Gets a budget.

use kit_access::RequestContext;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::domain::budget::Budget;
use crate::error::Error;
use crate::store::budgets;

impl BudgetUseCases {
    pub async fn get_budget(&self, ctx: &RequestContext, budget_id: Uuid) -> Result<Budget, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = budgets::find(&mut connection, ctx.principal.household_id, budget_id).await?;
        found.ok_or_else(|| Error::not_found("budget"))
    }
}
