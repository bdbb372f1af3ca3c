use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A period of a budget, with the terms that were in force then.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetPeriod {
    /// The id of the budget.
    #[schema(format = Uuid)]
    budget_id: String,
    /// The name of the budget.
    #[schema(example = "Food")]
    budget_name: String,
    /// The currency of the budget, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The first day of the period, included.
    #[schema(value_type = NaiveDate)]
    period_start: String,
    /// The last day of the period, included.
    #[schema(value_type = NaiveDate)]
    period_end: String,
    /// The limit of the period.
    #[schema(example = "300.00")]
    amount: String,
    /// The rollover from the previous period; negative if it was overspent.
    #[schema(example = "-20.00")]
    carried: String,
    /// The sum of `amount` and `carried`.
    #[schema(example = "280.00")]
    budgeted: String,
    /// The expenses minus refunds of the period.
    #[schema(example = "241.50")]
    spent: String,
    /// The amount left; negative if more was spent than budgeted.
    #[schema(example = "38.50")]
    remaining: String,
    /// The percentage of `budgeted` that is spent, rounded down to two decimals.
    /// Null if `budgeted` is not above zero.
    #[schema(example = "86.25")]
    percent: Option<String>,
    /// The status: `on_track`, `warning` or `exceeded`.
    /// `warning`: a threshold is reached; `exceeded`: all of `budgeted` is spent.
    #[schema(example = "warning")]
    status: String,
    /// The spending without an exchange rate on its day, which is not part of `spent`.
    unpriced: Vec<UnpricedSpending>,
    /// The spending of earlier periods without an exchange rate, not part of `carried`.
    carried_unpriced: Vec<UnpricedSpending>,
}

/// The spending in a currency that has no exchange rate.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnpricedSpending {
    /// The day of the spending; null: all days of the period.
    /// Days are listed only in the progress of a budget.
    #[schema(value_type = Option<NaiveDate>)]
    date: Option<String>,
    /// The currency of the spending.
    #[schema(example = "USD")]
    currency_code: String,
    /// The amount in `currency_code`.
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
