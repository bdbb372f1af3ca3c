use axum::extract::{Path, State};
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::period::BudgetPeriod;
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetBudgetProgressQuery {
    /// A day of the period.
    /// Default: today, or the nearest day on which the budget is active.
    #[param(value_type = Option<NaiveDate>)]
    date: Option<String>,
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

/// Get a budget's progress
///
/// Returns the period that contains `date`, with the terms that were in force then.
#[utoipa::path(get, path = "/budgets/{id}/progress", tag = "budgets", security(("access_token" = ["budgets:read"])),
    params(("id" = uuid::Uuid, Path), GetBudgetProgressQuery),
    responses((status = 200, description = "The progress of the budget", body = BudgetProgressResponse), ReadProblems))]
pub async fn get_budget_progress(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
    StrictQuery(query): StrictQuery<GetBudgetProgressQuery>,
) -> Result<impl IntoResponse, Problem> {
    let request = pb::GetBudgetProgressRequest { budget_id, date: query.date.unwrap_or_default() };
    let response = state.budgets().get_budget_progress(request).await?.into_inner();
    let progress = response.progress.ok_or_else(Problem::internal)?;
    Ok(axum::Json(BudgetProgressResponse::from(progress)))
}
