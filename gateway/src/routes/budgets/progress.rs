//! The spending of budgets by period.

use axum::Json;
use axum::extract::{Path, State};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{NoQuery, PageLink, RequirePermission, StrictQuery, permission};
use crate::problem::Problem;
use crate::response::PageOf;
use crate::state::AppState;

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

/// The progress of a budget in one period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetProgress)]
pub struct BudgetProgressResponse {
    #[serde(flatten)]
    period: BudgetPeriod,
    /// The number of days left in the period, including today.
    #[schema(example = 12)]
    days_left: i32,
    /// The projected spending at the end of the period.
    /// It is the sum of the spending so far and of the occurrences of recurring transactions that
    /// are still due in the period.
    #[schema(example = "402.50")]
    projected_spend: String,
    /// The day on which the projected spending reaches `budgeted`.
    /// Null: not in this period.
    #[schema(value_type = Option<NaiveDate>)]
    runs_out_on: Option<String>,
    /// The exchange rates used, if the budget is not in the household's currency.
    rates: Vec<SpendingRate>,
}

/// The exchange rate for the spending of one day in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpendingRate {
    /// The day of the spending.
    #[schema(value_type = NaiveDate)]
    date: String,
    /// The currency of the spending.
    #[schema(example = "USD")]
    currency_code: String,
    /// The number of units of the budget's currency per unit of `currency_code`.
    #[schema(example = "0.92")]
    rate: String,
    /// The day for which the rate was published.
    #[schema(value_type = NaiveDate)]
    rate_date: String,
    /// The source: `bundled`, `ecb`, `currency_api`, `manual` or `identity`.
    #[schema(example = "ecb")]
    source: String,
}

impl From<pb::BudgetProgress> for BudgetProgressResponse {
    fn from(mut progress: pb::BudgetProgress) -> Self {
        let rates = std::mem::take(&mut progress.rates).into_iter().map(|rate| SpendingRate {
            date: rate.date,
            currency_code: rate.currency_code,
            rate: rate.rate,
            rate_date: rate.rate_date,
            source: rate.source,
        });
        Self {
            days_left: progress.days_left,
            projected_spend: std::mem::take(&mut progress.projected_spend),
            runs_out_on: progress.exhausted_on.take(),
            rates: rates.collect(),
            period: progress.into(),
        }
    }
}

/// A summary of all budgets that are active today.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetSummary)]
pub struct BudgetSummaryResponse {
    /// Today in the household's time zone.
    #[schema(value_type = NaiveDate)]
    date: String,
    /// The current period of each budget, in the order of the creation of the budgets.
    budgets: Vec<BudgetPeriod>,
    /// The totals by currency.
    /// Spending for a category that several budgets have counts in each of them.
    totals: Vec<BudgetTotal>,
}

/// The total of the budgets in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetTotal {
    /// The currency of the budgets and amounts.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The sum of `budgeted`.
    #[schema(example = "900.00")]
    budgeted: String,
    /// The sum of `spent`.
    #[schema(example = "610.20")]
    spent: String,
    /// The sum of `remaining`.
    #[schema(example = "289.80")]
    remaining: String,
    /// The percentage of `budgeted` that is spent, rounded down to two decimals.
    /// Null if `budgeted` is not above zero.
    #[schema(example = "67.80")]
    percent: Option<String>,
    /// The spending without an exchange rate on its day, which is not part of `spent`.
    unpriced: Vec<UnpricedSpending>,
}

impl From<pb::BudgetTotal> for BudgetTotal {
    fn from(total: pb::BudgetTotal) -> Self {
        Self {
            currency_code: total.currency_code,
            budgeted: total.budgeted,
            spent: total.spent,
            remaining: total.remaining,
            percent: total.percent,
            unpriced: total.unpriced.into_iter().map(Into::into).collect(),
        }
    }
}

/// Get a budget's progress
///
/// Returns the period that contains `date`, with the terms that were in force then.
#[utoipa::path(get, path = "/budgets/{id}/progress", tag = "budgets")]
pub async fn get_budget_progress(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
    StrictQuery(query): StrictQuery<pb::GetBudgetProgressRequest>,
) -> Result<Json<BudgetProgressResponse>, Problem> {
    let request = pb::GetBudgetProgressRequest { budget_id, ..query };
    let response = state.budgets().get_budget_progress(request).await?.into_inner();
    Ok(Json(response.progress.ok_or_else(Problem::internal)?.into()))
}

/// List a budget's past periods
///
/// Lists the periods that have ended, newest first, each with the terms that were in force then.
/// Spending is computed for each request, so it includes later changes to old transactions.
#[utoipa::path(get, path = "/budgets/{id}/history", tag = "budgets")]
pub async fn list_budget_periods(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
    link: PageLink,
    StrictQuery(query): StrictQuery<pb::ListBudgetPeriodsRequest>,
) -> Result<PageOf<BudgetPeriod>, Problem> {
    let request = pb::ListBudgetPeriodsRequest { budget_id, ..query };
    let page = state.budgets().list_budget_periods(request).await?.into_inner();
    Ok(link.list(page.periods, page.next_page_token))
}

/// Summarize budgets
///
/// Returns the current period of every active budget, and the totals by currency. Spending without
/// an exchange rate is listed by currency; `GET /budgets/{id}/progress` lists its days.
#[utoipa::path(get, path = "/budgets/summary", tag = "budgets")]
pub async fn summarize_budgets(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsRead>,
) -> Result<Json<BudgetSummaryResponse>, Problem> {
    let response = state.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {}).await?.into_inner();
    Ok(Json(BudgetSummaryResponse {
        date: response.date,
        budgets: response.budgets.into_iter().map(Into::into).collect(),
        totals: response.totals.into_iter().map(Into::into).collect(),
    }))
}
