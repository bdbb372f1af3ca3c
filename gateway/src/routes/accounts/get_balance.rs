use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Params, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BalanceQuery {
    /// Default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// A balance at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountBalance)]
pub struct BalanceView {
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
    params(("id" = uuid::Uuid, Path), BalanceQuery),
    responses((status = 200, description = "The balance at the end of the day", body = BalanceView), ReadProblems))]
pub async fn get_balance(
    State(state): State<AppState>,
    _user: Permitted<permission::AccountsRead>,
    Path(account_id): Path<String>,
    Params(query): Params<BalanceQuery>,
) -> Result<axum::Json<BalanceView>, Problem> {
    let request = pb::GetBalanceRequest { account_id, date: query.date.unwrap_or_default() };
    let answer = state.accounts().get_balance(request).await?.into_inner();
    let pb::Balance { date, balance } = answer.balance.ok_or_else(Problem::internal)?;
    let (account_id, currency_code) = (answer.account_id, answer.currency_code);
    Ok(axum::Json(BalanceView { account_id, date, balance, currency_code }))
}
