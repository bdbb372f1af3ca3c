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

/// All budgets that run today.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetSummary)]
pub struct BudgetSummaryResponse {
    /// Today, in the household's time zone.
    #[schema(value_type = NaiveDate)]
    date: String,
    /// The current period of each, in the order in which they were made.
    budgets: Vec<BudgetPeriod>,
    /// By currency. A category that several budgets have counts in each.
    totals: Vec<BudgetTotal>,
}

/// The budgets in one currency together.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetTotal {
    #[schema(example = "EUR")]
    currency_code: String,
    #[schema(example = "900.00")]
    budgeted: String,
    #[schema(example = "610.20")]
    spent: String,
    #[schema(example = "289.80")]
    remaining: String,
    /// Rounded down to two digits; null where `budgeted` is not above zero.
    #[schema(example = "67.80")]
    percent: Option<String>,
    /// Spending without a rate for its day, not in `spent`.
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

/// Summarise all budgets
///
/// Spending without a rate is listed by currency; a budget's progress lists the days and the rates.
#[utoipa::path(get, path = "/budgets/summary", tag = "budgets", security(("access_token" = ["budgets:read"])),
    responses((status = 200, description = "How all of them stand", body = BudgetSummaryResponse), ReadProblems))]
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
