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
    /// The day; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// The balance of an account at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountBalance)]
pub struct AccountBalanceResponse {
    /// The id of the account.
    #[schema(format = Uuid)]
    account_id: String,
    /// The day of the balance.
    #[schema(format = Date, example = "2026-03-31")]
    date: String,
    /// The balance at the end of the day, in `currency_code`.
    #[schema(example = "1250.00")]
    balance: String,
    /// The account's currency.
    #[schema(example = "EUR")]
    currency_code: String,
}

/// Get an account's balance on a day
///
/// The balance includes all transactions whose `transaction_date` is up to that day. It is
/// available for deleted accounts as well.
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
