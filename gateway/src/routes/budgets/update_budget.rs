use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::budget::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::BudgetView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears `end_date`.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateBudgetRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateBudgetBody {
    #[schema(nullable = false, example = "Food", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// Holds from the current period on; earlier ones keep what was in force.
    #[schema(nullable = false, example = "350.00")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<AmountText>,
    /// Can only be what it is.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// Takes the place of all categories, from the current period on.
    #[schema(nullable = false, value_type = Option<uuid::Uuid>)]
    #[serde(default, deserialize_with = "not_null")]
    category_id: Option<String>,
    /// Take the place of all categories, from the current period on.
    #[schema(nullable = false, value_type = Option<Vec<uuid::Uuid>>)]
    #[serde(default, deserialize_with = "not_null")]
    category_ids: Option<Vec<String>>,
    /// Can only be what it is.
    #[schema(value_type = Option<words::BudgetFrequency>, nullable = false, example = "monthly")]
    #[serde(default, deserialize_with = "not_null")]
    frequency: Option<String>,
    /// Can only be what it is.
    #[schema(nullable = false, value_type = Option<NaiveDate>)]
    #[serde(default, deserialize_with = "not_null")]
    start_date: Option<String>,
    /// The last day; null: it runs on.
    #[schema(value_type = Option<NaiveDate>)]
    #[serde(default)]
    end_date: Change<String>,
    /// Holds from the current period on.
    #[schema(value_type = Option<words::Rollover>, nullable = false, example = "both")]
    #[serde(default, deserialize_with = "not_null")]
    rollover: Option<String>,
    #[schema(nullable = false, example = json!([80, 100]))]
    #[serde(default, deserialize_with = "not_null")]
    alert_thresholds: Option<Vec<i32>>,
}

fn request(budget_id: String, if_version: Option<i64>, body: UpdateBudgetBody) -> pb::UpdateBudgetRequest {
    let mut mask = Mask::default();
    pb::UpdateBudgetRequest {
        budget_id,
        if_version,
        name: mask.set("name", body.name),
        amount: mask.set("amount", body.amount).map(|AmountText(text)| text),
        currency_code: mask.set("currency_code", body.currency_code),
        category_id: mask.set("category_id", body.category_id),
        category_ids: mask.set("category_ids", body.category_ids).unwrap_or_default(),
        frequency: mask.set("frequency", body.frequency),
        start_date: mask.set("start_date", body.start_date),
        end_date: mask.change("end_date", body.end_date),
        rollover: mask.set("rollover", body.rollover),
        alert_thresholds: mask
            .set("alert_thresholds", body.alert_thresholds)
            .map(|percent| pb::Thresholds { percent }),
        update_mask: Some(mask.into_proto()),
    }
}

/// Change a budget
///
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/budgets/{id}", tag = "budgets", security(("access_token" = ["budgets:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateBudgetBody,
    responses((status = 200, description = "The budget", body = BudgetView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_budget(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::BudgetsWrite>,
    Path(budget_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdateBudgetBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(budget_id, if_version, body);
    let answer = state.budgets().update_budget(once.request(request)).await?;
    let budget = answer.into_inner().budget.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(budget.version))], axum::Json(BudgetView::from(budget))))
}
