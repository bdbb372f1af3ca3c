//! Creates a goal.

use std::collections::HashMap;

use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;

use super::{BudgetUseCases, GoalStatus, merge_violations};
use crate::domain::goal::GoalInput;
use crate::error::Error;
use crate::store::goals;

/// The maximum number of goals of a household.
/// It bounds the data that a household can store.
const MAX_GOALS: i64 = 500;

impl BudgetUseCases {
    pub async fn create_goal(
        &self,
        ctx: &WriteContext<GoalStatus>,
        input: GoalInput,
    ) -> Result<GoalStatus, Error> {
        let household_id = ctx.principal.household_id;
        let household = self.households.get(household_id).await?;
        let account = self.goal_account(household_id, input.account_id.as_deref()).await;
        let default = match (&input.currency_code, &account) {
            (None, Ok(Ok(None))) => self.households.default_currency(ctx).await,
            _ => Ok(household.currency),
        };
        let now = self.clock.now();
        // A repeated request gets its stored response even if the account no longer exists.
        let mut transaction = self.begin_idempotent(ctx).await?;
        let (account, rejected) = match account? {
            Ok(currency) => (currency, None),
            Err(violation) => (None, Some(violation)),
        };
        let result = input.resolve(self.new_id(), default?, account, now);
        let goal = merge_violations(result, rejected.into_iter().collect())?;
        if goals::count(&mut transaction, household_id).await? >= MAX_GOALS {
            let text = "A household can have at most 500 goals. Delete one first.";
            return Err(FieldViolation::new("name", FieldCode::TooManyItems, text).into());
        }
        goals::insert(&mut transaction, household_id, &goal).await?;
        self.skip_reminders(&mut transaction, &household, &goal).await?;
        transaction.record("goal", goal.id, 1, "created", &[]).await?;
        let unfunded = HashMap::from([(goal.id, goal.current)]);
        let goal = self.goal_status(&household, goal, &unfunded);
        transaction.commit_with(goal).await
    }
}
