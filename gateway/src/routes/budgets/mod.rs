pub mod progress;

use axum::extract::{Path, State};
use fintrac_proto::budget::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{
    Idempotency, IdempotentJson, IfMatch, NoQuery, PageLink, RequirePermission, StrictQuery, permission,
};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{Created, NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_budgets, create_budget))
        .routes(routes!(get_budget, update_budget, delete_budget))
        .routes(routes!(progress::get_budget_progress))
        .routes(routes!(progress::list_budget_periods))
        .routes(routes!(progress::summarize_budgets))
}

/// List budgets
///
/// Lists budgets in the order of their creation.
#[utoipa::path(get, path = "/budgets", tag = "budgets")]
async fn list_budgets(
    State(state): State<AppState>,
    _user: RequirePermission<permission::BudgetsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListBudgetsRequest>,
) -> Result<PageOf<pb::Budget>, Problem> {
    Ok(link.page(state.budgets().list_budgets(request).await?))
}

/// Create a budget
///
/// If the spending in the current period has already reached a threshold, the alert is sent shortly
/// afterwards.
#[utoipa::path(post, path = "/budgets", tag = "budgets")]
async fn create_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateBudgetRequest>,
) -> Result<Created<pb::Budget>, Problem> {
    idempotency.created(state.budgets().create_budget(idempotency.request(request)).await?)
}

/// Get a budget
///
/// Returns the terms of the budget; `GET /budgets/{id}/progress` has the spending. Send the `ETag`
/// as `If-Match` when you update the budget.
#[utoipa::path(get, path = "/budgets/{id}", tag = "budgets")]
async fn get_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsRead>,
    Path(budget_id): Path<String>,
) -> Result<Versioned<pb::Budget>, Problem> {
    Versioned::new(state.budgets().get_budget(pb::GetBudgetRequest { budget_id }).await?)
}

/// Update a budget
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/budgets/{id}", tag = "budgets")]
async fn update_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateBudgetRequest>,
) -> Result<Versioned<pb::Budget>, Problem> {
    let request = pb::UpdateBudgetRequest { budget_id, expected_version, ..body };
    Versioned::new(state.budgets().update_budget(idempotency.request(request)).await?)
}

/// Delete a budget
///
/// A deleted budget is no longer evaluated. Its transactions stay.
#[utoipa::path(delete, path = "/budgets/{id}", tag = "budgets")]
async fn delete_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::DeleteBudgetRequest { budget_id, expected_version };
    state.budgets().delete_budget(idempotency.request(request)).await?;
    Ok(NoContent)
}
