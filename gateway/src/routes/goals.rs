use axum::extract::{Path, State};
use fintrac_proto::budget::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{
    Idempotency, IdempotentJson, IfMatch, NoQuery, PageLink, RequirePermission, StrictQuery, permission,
};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::{Appended, Created, NoContent, PageOf, Versioned};
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_goals, create_goal))
        .routes(routes!(get_goal, update_goal, delete_goal))
        .routes(routes!(contribute_to_goal))
        .routes(routes!(withdraw_from_goal))
        .routes(routes!(list_contributions))
}

/// List goals
///
/// Lists goals in the order of their creation.
#[utoipa::path(get, path = "/goals", tag = "goals")]
async fn list_goals(
    State(state): State<AppState>,
    _user: RequirePermission<permission::GoalsRead>,
    link: PageLink,
    StrictQuery(request): StrictQuery<pb::ListGoalsRequest>,
) -> Result<PageOf<pb::Goal>, Problem> {
    Ok(link.page(state.goals().list_goals(request).await?))
}

/// Create a goal
///
/// A goal is a target amount to set aside, optionally by a due date. Contributions set the money
/// aside.
#[utoipa::path(post, path = "/goals", tag = "goals")]
async fn create_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    IdempotentJson(idempotency, request): IdempotentJson<pb::CreateGoalRequest>,
) -> Result<Created<pb::Goal>, Problem> {
    idempotency.created(state.goals().create_goal(idempotency.request(request)).await?)
}

/// Get a goal
///
/// Returns the amount set aside, the amount needed per month and whether the goal is on track. Send
/// the `ETag` as `If-Match` when you update the goal.
#[utoipa::path(get, path = "/goals/{id}", tag = "goals")]
async fn get_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsRead>,
    Path(goal_id): Path<String>,
) -> Result<Versioned<pb::Goal>, Problem> {
    Versioned::new(state.goals().get_goal(pb::GetGoalRequest { goal_id }).await?)
}

/// Update a goal
///
/// PUT and PATCH are equivalent: they change only the fields that are present. A cancelled goal
/// accepts withdrawals, but no contributions.
#[utoipa::path(method(put, patch), path = "/goals/{id}", tag = "goals")]
async fn update_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<pb::UpdateGoalRequest>,
) -> Result<Versioned<pb::Goal>, Problem> {
    let request = pb::UpdateGoalRequest { goal_id, expected_version, ..body };
    Versioned::new(state.goals().update_goal(idempotency.request(request)).await?)
}

/// Delete a goal
///
/// Money that was transferred for the goal stays in its account.
#[utoipa::path(delete, path = "/goals/{id}", tag = "goals")]
async fn delete_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    idempotency: Idempotency,
) -> Result<NoContent, Problem> {
    let request = pb::DeleteGoalRequest { goal_id, expected_version };
    state.goals().delete_goal(idempotency.request(request)).await?;
    Ok(NoContent)
}

/// Contribute to a goal
///
/// With `account_id`, a transfer moves the money to the goal's account, converted at the exchange
/// rate of the day if the currencies differ. Without it, no money is transferred; the amount is
/// only earmarked.
#[utoipa::path(post, path = "/goals/{id}/contribute", tag = "goals")]
async fn contribute_to_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IdempotentJson(idempotency, body): IdempotentJson<pb::ContributeRequest>,
) -> Result<Appended<pb::Contribution>, Problem> {
    let request = pb::ContributeRequest { goal_id, ..body };
    idempotency.appended(state.goals().contribute(idempotency.request(request)).await?, list_path)
}

/// Withdraw from a goal
///
/// With `account_id`, a transfer moves the money from the goal's account, converted at the exchange
/// rate of the day if the currencies differ. Without it, no money is transferred; the amount is no
/// longer earmarked.
#[utoipa::path(post, path = "/goals/{id}/withdraw", tag = "goals")]
async fn withdraw_from_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IdempotentJson(idempotency, body): IdempotentJson<pb::WithdrawRequest>,
) -> Result<Appended<pb::Contribution>, Problem> {
    let request = pb::WithdrawRequest { goal_id, ..body };
    idempotency.appended(state.goals().withdraw(idempotency.request(request)).await?, list_path)
}

/// List a goal's contributions
///
/// Lists the contributions and withdrawals of the goal, newest first.
#[utoipa::path(get, path = "/goals/{id}/contributions", tag = "goals")]
async fn list_contributions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::GoalsRead>,
    Path(goal_id): Path<String>,
    link: PageLink,
    StrictQuery(query): StrictQuery<pb::ListContributionsRequest>,
) -> Result<PageOf<pb::Contribution>, Problem> {
    let request = pb::ListContributionsRequest { goal_id, ..query };
    Ok(link.page(state.goals().list_contributions(request).await?))
}

fn list_path(contribution: &pb::Contribution) -> String {
    format!("/api/v1/goals/{}/contributions", contribution.goal_id)
}
