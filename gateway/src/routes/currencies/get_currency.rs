use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;

use super::response::CurrencyResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Get a currency
///
/// Returns the name, the symbol and the number of decimals of a currency by its code (ISO 4217).
#[utoipa::path(get, path = "/currencies/{code}", tag = "currencies", security(("access_token" = ["currencies:read"])),
    params(("code" = String, Path, description = "The currency code (ISO 4217), in any letter case.", example = "EUR")),
    responses((status = 200, description = "The currency", body = CurrencyResponse), ReadProblems))]
pub async fn get_currency(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CurrenciesRead>,
    Path(code): Path<String>,
) -> Result<axum::Json<CurrencyResponse>, Problem> {
    let response = state.currencies().get_currency(pb::GetCurrencyRequest { code }).await?.into_inner();
    Ok(axum::Json(response.currency.ok_or_else(Problem::internal)?.into()))
}
