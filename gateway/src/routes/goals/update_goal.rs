use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::GoalResponse;
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null,
    permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a goal; absent fields stay.
///
/// Null clears `due_date` and `account_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateGoalRequest {
    /// The name, at most 100 characters.
    #[schema(nullable = false, example = "Boat", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// The target amount, above zero.
    /// A milestone that is no longer reached can be reached, and notified, again.
    #[schema(nullable = false, example = "6000.00")]
    #[serde(default, deserialize_with = "not_null")]
    target_amount: Option<Amount>,
    /// The currency, immutable; if present, it must equal the current value.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// The day by which the target is to be reached; null: none.
    #[schema(value_type = Option<NaiveDate>)]
    #[serde(default)]
    due_date: Patch<String>,
    /// The account that holds the money, in the same currency; null: none.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    account_id: Patch<String>,
    /// The status: `cancelled`, or `active` to resume a cancelled goal.
    /// A goal is completed by its contributions.
    #[schema(value_type = Option<enums::GoalStatus>, nullable = false, example = "cancelled")]
    #[serde(default, deserialize_with = "not_null")]
    status: Option<String>,
}

fn request(goal_id: String, expected_version: Option<i64>, body: UpdateGoalRequest) -> pb::UpdateGoalRequest {
    let mut mask = FieldMaskBuilder::default();
    pb::UpdateGoalRequest {
        goal_id,
        expected_version,
        name: mask.set("name", body.name),
        target_amount: mask.set("target_amount", body.target_amount).map(|Amount(text)| text),
        currency_code: mask.set("currency_code", body.currency_code),
        due_date: mask.patch("due_date", body.due_date),
        account_id: mask.patch("account_id", body.account_id),
        status: mask.set("status", body.status),
        update_mask: Some(mask.into_proto()),
    }
}

/// Update a goal
///
/// PUT and PATCH are equivalent: they change only the fields that are present. A cancelled goal
/// accepts withdrawals, but no contributions.
#[utoipa::path(method(put, patch), path = "/goals/{id}", tag = "goals", security(("access_token" = ["goals:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateGoalRequest,
    responses((status = 200, description = "The goal", body = GoalResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_goal(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::GoalsWrite>,
    Path(goal_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateGoalRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(goal_id, expected_version, body);
    let response = state.goals().update_goal(idempotency.request(request)).await?;
    let goal = response.into_inner().goal.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(goal.version))], axum::Json(GoalResponse::from(goal))))
}
