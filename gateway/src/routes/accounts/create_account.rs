use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::AccountResponse;
use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The account to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccountRequest {
    /// The name, unique among the accounts that are not deleted.
    #[schema(required = true, example = "Current account", max_length = 100)]
    #[serde(default)]
    name: String,
    /// The account type: `cash`, `bank` or `card`.
    #[schema(value_type = enums::AccountType, required = true, example = "bank")]
    #[serde(default)]
    account_type: String,
    /// The currency (ISO 4217), immutable; default: your `default_currency`.
    #[schema(example = "EUR")]
    currency_code: Option<String>,
    /// The opening balance as a string or a number; may be negative. Default: zero.
    #[schema(example = "1250.00")]
    balance: Option<Amount>,
    /// The description, at most 500 characters; default: none.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Whether the account counts towards net worth; default: true.
    include_in_net_worth: Option<bool>,
}

impl From<CreateAccountRequest> for pb::CreateAccountRequest {
    fn from(body: CreateAccountRequest) -> Self {
        Self {
            name: body.name,
            account_type: body.account_type,
            currency_code: body.currency_code,
            balance: body.balance.map(|Amount(text)| text),
            description: body.description,
            include_in_net_worth: body.include_in_net_worth,
        }
    }
}

/// Create an account
///
/// A `balance` other than zero is posted as a transaction of type `opening`, dated today.
#[utoipa::path(post, path = "/accounts", tag = "accounts", security(("access_token" = ["accounts:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateAccountRequest,
    responses((status = 201, description = "The account", body = AccountResponse,
        headers(("Location" = String), ("ETag" = String),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
pub async fn create_account(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::AccountsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateAccountRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateAccountRequest::from(body);
    let response = state.accounts().create_account(idempotency.request(request)).await?;
    let account = response.get_ref().account.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/accounts/{}", account.id)), (ETAG, etag(account.version))];
    Ok(idempotency
        .mark_replayed(&response, (StatusCode::CREATED, headers, axum::Json(AccountResponse::from(account)))))
}
