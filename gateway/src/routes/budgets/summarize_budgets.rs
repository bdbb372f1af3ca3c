use axum::extract::State;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::period::{BudgetPeriod, UnpricedSpending};
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

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

/// Summarize budgets
///
/// Returns the current period of every active budget, and the totals by currency. Spending without
/// an exchange rate is listed by currency; `GET /budgets/{id}/progress` lists its days.
#[utoipa::path(get, path = "/budgets/summary", tag = "budgets", security(("access_token" = ["budgets:read"])),
    responses((status = 200, description = "The summary", body = BudgetSummaryResponse), ReadProblems))]
pub async fn summarize_budgets(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsRead>,
) -> Result<impl IntoResponse, Problem> {
    let response = state.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {}).await?.into_inner();
    Ok(axum::Json(BudgetSummaryResponse {
        date: response.date,
        budgets: response.budgets.into_iter().map(Into::into).collect(),
        totals: response.totals.into_iter().map(Into::into).collect(),
    }))
}
