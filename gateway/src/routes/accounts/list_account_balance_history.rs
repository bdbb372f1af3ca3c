use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAccountBalanceHistoryQuery {
    /// The first day, included; default: the first day of the year that ends on `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// The interval: `day`, `week` (Monday to Sunday) or `month` (default).
    /// The span must have at most 4,000 intervals.
    #[param(value_type = Option<enums::Interval>, inline)]
    interval: Option<String>,
}

/// The closing balances of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BalanceHistory)]
pub struct BalanceHistoryResponse {
    /// The id of the account.
    #[schema(format = Uuid)]
    account_id: String,
    /// The account's currency, in which all balances are.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The balances, oldest first.
    /// The last one is the balance at the end of the span.
    data: Vec<ClosingBalance>,
}

/// The balance at the end of an interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosingBalance {
    /// The last day of the interval.
    #[schema(format = Date, example = "2026-03-31")]
    date: String,
    /// The balance at the end of the day, in the account's currency.
    #[schema(example = "1250.00")]
    balance: String,
}

/// List an account's closing balances
///
/// Returns the balance at the end of each day, week (Monday to Sunday) or month of the span, in the
/// currency of the account, oldest first.
#[utoipa::path(get, path = "/accounts/{id}/balance-history", tag = "accounts", security(("access_token" = ["accounts:read"])),
    params(("id" = uuid::Uuid, Path), ListAccountBalanceHistoryQuery),
    responses((status = 200, description = "The closing balance of each interval", body = BalanceHistoryResponse), ReadProblems))]
pub async fn list_account_balance_history(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    Path(account_id): Path<String>,
    StrictQuery(query): StrictQuery<ListAccountBalanceHistoryQuery>,
) -> Result<axum::Json<BalanceHistoryResponse>, Problem> {
    let request = pb::ListBalanceHistoryRequest {
        account_id,
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let response = state.accounts().list_balance_history(request).await?.into_inner();
    let closing = |row: pb::Balance| ClosingBalance { date: row.date, balance: row.balance };
    let data = response.balances.into_iter().map(closing).collect();
    let (account_id, currency_code) = (response.account_id, response.currency_code);
    Ok(axum::Json(BalanceHistoryResponse { account_id, currency_code, data }))
}
