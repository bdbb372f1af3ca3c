use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::AccountView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears the description.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateAccountRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateAccountBody {
    #[schema(nullable = false, example = "Current account", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// cash, bank or card.
    #[schema(value_type = Option<words::AccountType>, nullable = false, example = "bank")]
    #[serde(default, deserialize_with = "not_null")]
    account_type: Option<String>,
    /// Can only be what it is.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// What today's balance is to be: posts an `adjustment` of the difference, dated today.
    #[schema(nullable = false, example = "1300.00")]
    #[serde(default, deserialize_with = "not_null")]
    balance: Option<AmountText>,
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Change<String>,
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    include_in_net_worth: Option<bool>,
    /// false archives, true brings back.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    is_active: Option<bool>,
}

fn request(account_id: String, if_version: Option<i64>, body: UpdateAccountBody) -> pb::UpdateAccountRequest {
    let mut mask = Mask::default();
    pb::UpdateAccountRequest {
        account_id,
        if_version,
        name: mask.set("name", body.name),
        account_type: mask.set("account_type", body.account_type),
        currency_code: mask.set("currency_code", body.currency_code),
        balance: mask.set("balance", body.balance).map(|AmountText(text)| text),
        description: mask.change("description", body.description),
        include_in_net_worth: mask.set("include_in_net_worth", body.include_in_net_worth),
        is_active: mask.set("is_active", body.is_active),
        update_mask: Some(mask.into_proto()),
    }
}

/// Change an account
///
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/accounts/{id}", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateAccountBody,
    responses((status = 200, description = "The account", body = AccountView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_account(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdateAccountBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(account_id, if_version, body);
    let answer = state.accounts().update_account(once.request(request)).await?;
    let account = answer.into_inner().account.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(account.version))], axum::Json(AccountView::from(account))))
}
