use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A period of a budget, with the terms that were in force then.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetPeriod {
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
    /// Spending without a rate for its day, not in `spent`.
    unpriced: Vec<UnpricedSpending>,
    /// The same of the earlier periods behind `carried`.
    carried_unpriced: Vec<UnpricedSpending>,
}

/// What was spent in a currency that has no rate.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnpricedSpending {
    /// Null: on all days of the period together; a budget's progress lists the days.
    #[schema(value_type = Option<NaiveDate>)]
    date: Option<String>,
    #[schema(example = "USD")]
    currency_code: String,
    #[schema(example = "12.00")]
    amount: String,
}

impl From<pb::ProgressUnpriced> for UnpricedSpending {
    fn from(unpriced: pb::ProgressUnpriced) -> Self {
        let date = Some(unpriced.date).filter(|date| !date.is_empty());
        Self { date, currency_code: unpriced.currency_code, amount: unpriced.amount }
    }
}

impl From<pb::BudgetProgress> for BudgetPeriod {
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
            unpriced: progress.unpriced.into_iter().map(Into::into).collect(),
            carried_unpriced: progress.carried_unpriced.into_iter().map(Into::into).collect(),
        }
    }
}
