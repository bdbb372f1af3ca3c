use fintrac_proto::budget::v1 as budget;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::notify::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A report on a household's money, budgets and goals in a span.
///
/// All amounts are in the household's currency unless stated otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportResponse {
    /// The first day, included.
    #[schema(value_type = NaiveDate)]
    pub from: String,
    /// The last day, included.
    #[schema(value_type = NaiveDate)]
    pub to: String,
    /// The household's currency.
    #[schema(example = "EUR")]
    pub currency_code: String,
    /// The total income.
    #[schema(example = "3200.00")]
    pub income: String,
    /// The total expenses minus refunds.
    #[schema(example = "2410.35")]
    pub expense: String,
    /// Income without an exchange rate on its day; not part of `income`.
    pub income_unpriced: Vec<ledger::CurrencySum>,
    /// Expenses without an exchange rate on their day; not part of `expense`.
    pub expense_unpriced: Vec<ledger::CurrencySum>,
    /// The income minus the expenses.
    #[schema(example = "789.65")]
    pub net: String,
    /// The net worth at the end of the day before `from`.
    #[schema(example = "10000.00")]
    pub net_worth_before: String,
    /// The net worth at the end of `to`.
    #[schema(example = "10789.65")]
    pub net_worth: String,
    /// The currencies of amounts without an exchange rate.
    /// These amounts are not part of any amount of this report.
    pub unpriced: Vec<String>,
    /// The intervals: days, weeks or months, depending on the length of the span.
    pub intervals: Vec<ReportInterval>,
    /// The expenses by category, largest first.
    pub categories: Vec<ReportCategory>,
    /// The five largest expenses.
    pub largest: Vec<ReportTransaction>,
    /// The budgets in the periods that contain `to`.
    pub budgets: Vec<ReportBudget>,
    /// The goals in their current state.
    pub goals: Vec<ReportGoal>,
}

/// The income and expenses of one interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportInterval {
    /// The first day of the interval, included.
    #[schema(value_type = NaiveDate)]
    pub from: String,
    /// The last day of the interval, included.
    #[schema(value_type = NaiveDate)]
    pub to: String,
    /// The total income.
    #[schema(example = "0.00")]
    pub income: String,
    /// The total expenses minus refunds.
    #[schema(example = "54.20")]
    pub expense: String,
    /// The income minus the expenses.
    #[schema(example = "-54.20")]
    pub net: String,
}

/// The expenses on a category.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportCategory {
    /// The id of the category; null: transactions without a category.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub category_id: Option<String>,
    /// The name of the category; empty: transactions without a category.
    #[schema(example = "Groceries")]
    pub name: String,
    /// The expenses minus refunds.
    #[schema(example = "410.00")]
    pub amount: String,
    /// The percentage of all expenses, one decimal; null if they are not above zero.
    #[schema(example = "17.0")]
    pub share: Option<String>,
    /// Expenses without an exchange rate on their day; not part of `amount`.
    pub unpriced: Vec<ledger::CurrencySum>,
    /// The amount in the previous span of the same number of months or days.
    #[schema(example = "380.00")]
    pub previous: String,
    /// The change: `amount` minus `previous`.
    #[schema(example = "30.00")]
    pub change: String,
    /// The change in percent with one decimal; null if `previous` is zero.
    #[schema(example = "7.8")]
    pub change_percent: Option<String>,
}

/// An expense in a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportTransaction {
    #[schema(format = Uuid)]
    pub id: String,
    #[schema(value_type = NaiveDate)]
    pub transaction_date: String,
    /// The description; null: none.
    #[schema(example = "Laptop")]
    pub description: Option<String>,
    /// The amount in `currency_code`.
    #[schema(example = "1250.00")]
    pub amount: String,
    /// The currency of `amount`.
    #[schema(example = "EUR")]
    pub currency_code: String,
}

/// The period of a budget in a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportBudget {
    #[schema(format = Uuid)]
    pub id: String,
    #[schema(example = "Food")]
    pub name: String,
    /// The budget's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    pub currency_code: String,
    /// The first day of the period, included.
    #[schema(value_type = NaiveDate)]
    pub period_start: String,
    /// The last day of the period, included.
    #[schema(value_type = NaiveDate)]
    pub period_end: String,
    /// The limit including the rollover.
    #[schema(example = "300.00")]
    pub budgeted: String,
    /// The expenses minus refunds of the period.
    #[schema(example = "241.50")]
    pub spent: String,
    /// The amount left; negative if more was spent than budgeted.
    #[schema(example = "58.50")]
    pub remaining: String,
    /// The percentage of `budgeted` that is spent; null if `budgeted` is not above zero.
    #[schema(example = "80.50")]
    pub percent: Option<String>,
    /// The status: `on_track`, `warning` or `exceeded`.
    #[schema(example = "warning")]
    pub status: String,
    /// The spending without an exchange rate; not part of `spent`.
    pub unpriced: Vec<budget::ProgressUnpriced>,
}

/// The state of a goal in a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportGoal {
    #[schema(format = Uuid)]
    pub id: String,
    #[schema(example = "Boat")]
    pub name: String,
    /// The goal's currency, in which all amounts are.
    #[schema(example = "EUR")]
    pub currency_code: String,
    /// The target amount.
    #[schema(example = "5000.00")]
    pub target_amount: String,
    /// The amount set aside.
    #[schema(example = "1250.00")]
    pub current_amount: String,
    /// The percentage of the target, rounded down to two decimals.
    #[schema(example = "25.00")]
    pub percent: String,
    /// The status: `active`, `completed` or `cancelled`.
    #[schema(example = "active")]
    pub status: String,
    /// The day by which the target is to be reached; null: none.
    #[schema(value_type = Option<NaiveDate>)]
    pub due_date: Option<String>,
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<ledger::ReportInterval> for ReportInterval {
    fn from(value: ledger::ReportInterval) -> Self {
        Self { from: value.from, to: value.to, income: value.income, expense: value.expense, net: value.net }
    }
}

impl From<ledger::ReportCategory> for ReportCategory {
    fn from(value: ledger::ReportCategory) -> Self {
        Self {
            category_id: non_empty(value.category_id),
            name: value.name,
            amount: value.amount,
            share: non_empty(value.share),
            unpriced: value.unpriced,
            previous: value.previous,
            change: value.change,
            change_percent: non_empty(value.change_percent),
        }
    }
}

impl From<ledger::TransactionData> for ReportTransaction {
    fn from(value: ledger::TransactionData) -> Self {
        Self {
            id: value.transaction_id,
            transaction_date: value.transaction_date,
            description: non_empty(value.description),
            amount: value.amount,
            currency_code: value.currency_code,
        }
    }
}

impl From<budget::BudgetData> for ReportBudget {
    fn from(value: budget::BudgetData) -> Self {
        Self {
            id: value.budget_id,
            name: value.name,
            currency_code: value.currency_code,
            period_start: value.period_start,
            period_end: value.period_end,
            budgeted: value.budgeted,
            spent: value.spent,
            remaining: value.remaining,
            percent: value.percent,
            status: value.status,
            unpriced: value.unpriced,
        }
    }
}

impl From<budget::GoalData> for ReportGoal {
    fn from(value: budget::GoalData) -> Self {
        Self {
            id: value.goal_id,
            name: value.name,
            currency_code: value.currency_code,
            target_amount: value.target_amount,
            current_amount: value.current_amount,
            percent: value.percent,
            status: value.status,
            due_date: value.due_date,
        }
    }
}

impl From<pb::GetReportResponse> for ReportResponse {
    fn from(report: pb::GetReportResponse) -> Self {
        let money = report.money.unwrap_or_default();
        Self {
            from: money.from,
            to: money.to,
            currency_code: money.currency_code,
            income: money.income,
            expense: money.expense,
            income_unpriced: money.income_unpriced,
            expense_unpriced: money.expense_unpriced,
            net: money.net,
            net_worth_before: money.net_worth_before,
            net_worth: money.net_worth,
            unpriced: money.unpriced,
            intervals: money.intervals.into_iter().map(Into::into).collect(),
            categories: money.categories.into_iter().map(Into::into).collect(),
            largest: money.largest.into_iter().map(Into::into).collect(),
            budgets: report.budgets.into_iter().map(Into::into).collect(),
            goals: report.goals.into_iter().map(Into::into).collect(),
        }
    }
}
