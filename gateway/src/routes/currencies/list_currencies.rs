use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::view::CurrencyView;
use crate::extract::{NoParams, Permitted, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::List;
use crate::state::AppState;

/// List currencies
///
/// All of them, by code, on one page.
#[utoipa::path(get, path = "/currencies", tag = "currencies", security(("access_token" = ["currencies:read"])),
    responses((status = 200, description = "Every currency", body = List<CurrencyView>), ReadProblems))]
pub async fn list_currencies(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::CurrenciesRead>,
) -> Result<axum::Json<List<CurrencyView>>, Problem> {
    let answer = state.currencies().list_currencies(pb::ListCurrenciesRequest {}).await?.into_inner();
    Ok(axum::Json(List::new(answer.currencies, String::new())))
}
