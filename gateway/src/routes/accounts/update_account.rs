use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::AccountResponse;
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null,
    permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to an account; absent fields stay, null clears `description`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateAccountRequest {
    /// The name, unique among the accounts that are not deleted.
    #[schema(nullable = false, example = "Current account", max_length = 100)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    /// The account type: `cash`, `bank` or `card`.
    #[schema(value_type = Option<enums::AccountType>, nullable = false, example = "bank")]
    #[serde(default, deserialize_with = "not_null")]
    account_type: Option<String>,
    /// The currency, immutable; if present, it must equal the current value.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// The new balance. The difference is posted as an `adjustment` dated today.
    #[schema(nullable = false, example = "1300.00")]
    #[serde(default, deserialize_with = "not_null")]
    balance: Option<Amount>,
    /// The description, at most 500 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Patch<String>,
    /// Whether the account counts towards net worth.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    include_in_net_worth: Option<bool>,
    /// False archives the account, true reactivates it.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "not_null")]
    is_active: Option<bool>,
}

fn request(
    account_id: String,
    expected_version: Option<i64>,
    body: UpdateAccountRequest,
) -> pb::UpdateAccountRequest {
    let mut mask = FieldMaskBuilder::default();
    pb::UpdateAccountRequest {
        account_id,
        expected_version,
        name: mask.set("name", body.name),
        account_type: mask.set("account_type", body.account_type),
        currency_code: mask.set("currency_code", body.currency_code),
        balance: mask.set("balance", body.balance).map(|Amount(text)| text),
        description: mask.patch("description", body.description),
        include_in_net_worth: mask.set("include_in_net_worth", body.include_in_net_worth),
        is_active: mask.set("is_active", body.is_active),
        update_mask: Some(mask.into_proto()),
    }
}

/// Update an account
///
/// PUT and PATCH are equivalent: they change only the fields that are present.
#[utoipa::path(method(put, patch), path = "/accounts/{id}", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateAccountRequest,
    responses((status = 200, description = "The account", body = AccountResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    Path(account_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateAccountRequest>,
) -> Result<impl IntoResponse, Problem> {
    let request = request(account_id, expected_version, body);
    let response = state.accounts().update_account(idempotency.request(request)).await?;
    let account = response.into_inner().account.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(account.version))], axum::Json(AccountResponse::from(account))))
}
