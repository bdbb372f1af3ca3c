use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetAccountBalanceQuery {
    /// Default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// A balance at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountBalance)]
pub struct AccountBalanceResponse {
    #[schema(format = Uuid)]
    account_id: String,
    #[schema(format = Date, example = "2026-03-31")]
    date: String,
    #[schema(example = "1250.00")]
    balance: String,
    #[schema(example = "EUR")]
    currency_code: String,
}

/// An account's balance as of a day
///
/// By `transaction_date`; of a deleted account, too.
#[utoipa::path(get, path = "/accounts/{id}/balance", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path), GetAccountBalanceQuery),
    responses((status = 200, description = "The balance at the end of the day", body = AccountBalanceResponse), ReadProblems))]
pub async fn get_account_balance(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    StrictQuery(query): StrictQuery<GetAccountBalanceQuery>,
) -> Result<axum::Json<AccountBalanceResponse>, Problem> {
    let request = pb::GetBalanceRequest { account_id, date: query.date.unwrap_or_default() };
    let response = state.accounts().get_balance(request).await?.into_inner();
    let pb::Balance { date, balance } = response.balance.ok_or_else(Problem::internal)?;
    let (account_id, currency_code) = (response.account_id, response.currency_code);
    Ok(axum::Json(AccountBalanceResponse { account_id, date, balance, currency_code }))
}
