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

/// The progress of a budget in one period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetProgress)]
pub struct BudgetProgressResponse {
    #[serde(flatten)]
    period: pb::BudgetProgress,
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
    rates: Vec<pb::ProgressRate>,
}

impl From<pb::BudgetProgress> for BudgetProgressResponse {
    fn from(progress: pb::BudgetProgress) -> Self {
        Self {
            days_left: progress.days_left,
            projected_spend: progress.projected_spend.clone(),
            runs_out_on: progress.exhausted_on.clone(),
            rates: progress.rates.clone(),
            period: progress,
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
) -> Result<PageOf<pb::BudgetProgress>, Problem> {
    let request = pb::ListBudgetPeriodsRequest { budget_id, ..query };
    Ok(link.page(state.budgets().list_budget_periods(request).await?))
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
) -> Result<Json<pb::SummarizeBudgetsResponse>, Problem> {
    Ok(Json(state.budgets().summarize_budgets(pb::SummarizeBudgetsRequest {}).await?.into_inner()))
}
