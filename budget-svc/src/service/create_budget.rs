//! Creates a budget.

use fintrac_money::Household;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;
use sqlx::PgConnection;

use super::evaluate_budgets::request_evaluations;
use super::{BudgetUseCases, merge_violations};
use crate::domain::budget::{Budget, BudgetInput};
use crate::error::Error;
use crate::store::budgets;
use crate::store::category_reference_updates::ReferenceUpdate;

/// The maximum number of budgets of a household.
/// Each evaluation reads all of them.
const MAX_BUDGETS: i64 = 200;
/// The maximum number of past periods that a household's budgets roll over.
/// A summary adds all of them up.
const MAX_ROLLOVER_PERIODS: usize = 20_000;

impl BudgetUseCases {
    pub async fn create_budget(
        &self,
        ctx: &WriteContext<Budget>,
        input: BudgetInput,
    ) -> Result<Budget, Error> {
        let household_id = ctx.principal.household_id;
        let household = self.households.get(household_id).await?;
        let budget_id = self.new_id();
        let reference_update = self.begin_reference_update(household_id, budget_id).await?;
        let created = self.create_referencing_budget(ctx, reference_update, input, household).await;
        self.complete_reference_update_now(reference_update).await;
        created
    }

    async fn create_referencing_budget(
        &self,
        ctx: &WriteContext<Budget>,
        reference_update: ReferenceUpdate,
        mut input: BudgetInput,
        household: Household,
    ) -> Result<Budget, Error> {
        let household_id = household.id;
        let check = self.reference_categories(reference_update, &input.categories).await;
        let default = match &input.currency_code {
            Some(_) => Ok(household.currency),
            None => self.households.default_currency(ctx).await,
        };
        let now = self.clock.now();
        // A repeated request gets its stored response even if the categories no longer exist.
        let mut transaction = self.begin_idempotent(ctx).await?;
        self.lock_open_update(&mut transaction, reference_update).await?;
        let (check, default) = (check?, default?);
        check.replace_merged(&mut input.categories);
        let result = input.resolve(reference_update.budget_id, &household, default, now);
        let budget = merge_violations(result, check.violations_except(&[]))?;
        if budgets::count(&mut transaction, household_id).await? >= MAX_BUDGETS {
            let text = "A household can have at most 200 budgets. Delete one first.";
            return Err(FieldViolation::new("name", FieldCode::TooManyItems, text).into());
        }
        self.check_rollover(&mut transaction, &household, &budget).await?;
        budgets::insert(&mut transaction, household_id, &budget).await?;
        transaction.record("budget", budget.id, 1, "created", &[]).await?;
        // The existing spending may already reach a threshold.
        request_evaluations(&mut transaction, &[household_id], now).await?;
        transaction.commit_with(budget).await
    }

    /// Rejects a budget if the household's budgets roll over too many periods.
    async fn check_rollover(
        &self,
        connection: &mut PgConnection,
        household: &Household,
        budget: &Budget,
    ) -> Result<(), Error> {
        let today = household.today(self.clock.now());
        let periods = |budget: &Budget| {
            let current = budget.schedule.period_of(budget.schedule.nearest_day(today));
            current.map_or(0, |period| budget.periods_before(period).len())
        };
        let own = periods(budget);
        if own == 0 {
            return Ok(());
        }
        let others = budgets::list(connection, household.id, None, i64::MAX).await?;
        if others.iter().map(periods).sum::<usize>().saturating_add(own) > MAX_ROLLOVER_PERIODS {
            let text =
                "The budgets of a household must roll over fewer periods in total. Send a later start date.";
            return Err(FieldViolation::new("start_date", FieldCode::DateTooEarly, text).into());
        }
        Ok(())
    }
}
