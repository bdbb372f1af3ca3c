use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::response::CurrencyResponse;
use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::ListResponse;
use crate::state::AppState;

/// List currencies
///
/// Lists all currencies on one page, in the order of their codes.
#[utoipa::path(get, path = "/currencies", tag = "currencies", security(("access_token" = ["currencies:read"])),
    responses((status = 200, description = "All currencies", body = ListResponse<CurrencyResponse>), ReadProblems))]
pub async fn list_currencies(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CurrenciesRead>,
) -> Result<axum::Json<ListResponse<CurrencyResponse>>, Problem> {
    let response = state.currencies().list_currencies(pb::ListCurrenciesRequest {}).await?.into_inner();
    Ok(axum::Json(ListResponse::new(response.currencies, String::new())))
}
