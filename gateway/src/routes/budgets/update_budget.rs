use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::BudgetResponse;
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null,
    permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a budget; absent fields stay, null clears `end_date`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateBudgetRequest {
    /// The name, at most 100 characters.
    #[schema(nullable = false, example = "Food", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// The limit from the current period on; earlier periods keep their limit.
    #[schema(nullable = false, example = "350.00")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<Amount>,
    /// The currency, immutable; if present, it must equal the current value.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// The category that replaces all categories from the current period on.
    /// Send this or `category_ids`.
    #[schema(nullable = false, value_type = Option<uuid::Uuid>)]
    #[serde(default, deserialize_with = "not_null")]
    category_id: Option<String>,
    /// The categories that replace all categories from the current period on.
    /// Send this or `category_id`.
    #[schema(nullable = false, value_type = Option<Vec<uuid::Uuid>>)]
    #[serde(default, deserialize_with = "not_null")]
    category_ids: Option<Vec<String>>,
    /// The frequency, immutable; if present, it must equal the current value.
    #[schema(value_type = Option<enums::BudgetFrequency>, nullable = false, example = "monthly")]
    #[serde(default, deserialize_with = "not_null")]
    frequency: Option<String>,
    /// The first day, immutable; if present, it must equal the current value.
    #[schema(nullable = false, value_type = Option<NaiveDate>)]
    #[serde(default, deserialize_with = "not_null")]
    start_date: Option<String>,
    /// The last day of the budget; null: none.
    #[schema(value_type = Option<NaiveDate>)]
    #[serde(default)]
    end_date: Patch<String>,
    /// The rollover from the current period on: `none`, `surplus`, `deficit` or `both`.
    #[schema(value_type = Option<enums::Rollover>, nullable = false, example = "both")]
    #[serde(default, deserialize_with = "not_null")]
    rollover: Option<String>,
    /// At most 10 alert thresholds from 1 to 1000, in percent of `budgeted`.
    #[schema(nullable = false, example = json!([80, 100]))]
    #[serde(default, deserialize_with = "not_null")]
    alert_thresholds: Option<Vec<i32>>,
}

fn request(
    budget_id: String,
    expected_version: Option<i64>,
    body: UpdateBudgetRequest,
) -> pb::UpdateBudgetRequest {
    let mut mask = FieldMaskBuilder::default();
    pb::UpdateBudgetRequest {
        budget_id,
        expected_version,
        name: mask.set("name", body.name),
        amount: mask.set("amount", body.amount).map(|Amount(text)| text),
        currency_code: mask.set("currency_code", body.currency_code),
        category_id: mask.set("category_id", body.category_id),
        category_ids: mask.set("category_ids", body.category_ids).unwrap_or_default(),
        frequency: mask.set("frequency", body.frequency),
        start_date: mask.set("start_date", body.start_date),
        end_date: mask.patch("end_date", body.end_date),
        rollover: mask.set("rollover", body.rollover),
        alert_thresholds: mask
            .set("alert_thresholds", body.alert_thresholds)
            .map(|percent| pb::Thresholds { percent }),
        update_mask: Some(mask.into_proto()),
    }
}

/// Update a budget
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateBudgetRequest,
    responses((status = 200, description = "The budget", body = BudgetResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_budget(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateBudgetRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(budget_id, expected_version, body);
    let response = state.budgets().update_budget(idempotency.request(request)).await?;
    let budget = response.into_inner().budget.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(budget.version))], axum::Json(BudgetResponse::from(budget))))
}
