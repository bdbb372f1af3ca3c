use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A period of a budget, with the terms that were in force then.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetPeriod)]
pub struct PeriodView {
    #[schema(format = Uuid)]
    budget_id: String,
    #[schema(example = "Food")]
    budget_name: String,
    #[schema(example = "EUR")]
    currency_code: String,
    #[schema(value_type = NaiveDate)]
    period_start: String,
    /// The last day.
    #[schema(value_type = NaiveDate)]
    period_end: String,
    /// The limit.
    #[schema(example = "300.00")]
    amount: String,
    /// What went over from the period before; below zero when too much was spent.
    #[schema(example = "-20.00")]
    carried: String,
    /// `amount` and `carried`.
    #[schema(example = "280.00")]
    budgeted: String,
    /// Refunds count against it.
    #[schema(example = "241.50")]
    spent: String,
    /// Below zero when more was spent than budgeted.
    #[schema(example = "38.50")]
    remaining: String,
    /// Rounded down to two digits; null where `budgeted` is not above zero.
    #[schema(example = "86.25")]
    percent: Option<String>,
    /// on_track, warning (a threshold is reached) or exceeded (all of it is spent).
    #[schema(example = "warning")]
    status: String,
}

impl From<pb::BudgetProgress> for PeriodView {
    fn from(progress: pb::BudgetProgress) -> Self {
        Self {
            budget_id: progress.budget_id,
            budget_name: progress.budget_name,
            currency_code: progress.currency_code,
            period_start: progress.period_start,
            period_end: progress.period_end,
            amount: progress.amount,
            carried: progress.carried,
            budgeted: progress.budgeted,
            spent: progress.spent,
            remaining: progress.remaining,
            percent: progress.percent,
            status: progress.status,
        }
    }
}
