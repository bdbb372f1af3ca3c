use axum::Json;
use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{NoQuery, RequirePermission, StrictQuery, permission};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::response::ListResponse;
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_currencies))
        .routes(routes!(get_currency))
        .routes(routes!(list_exchange_rates))
        .routes(routes!(convert_amount))
}

/// List currencies
///
/// Lists all currencies on one page, in the order of their codes.
#[utoipa::path(get, path = "/currencies", tag = "currencies",
    responses((status = 200, description = "All currencies", body = ListResponse<pb::Currency>)))]
async fn list_currencies(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CurrenciesRead>,
) -> Result<Json<ListResponse<pb::Currency>>, Problem> {
    let response = state.currencies().list_currencies(pb::ListCurrenciesRequest {}).await?.into_inner();
    Ok(Json(ListResponse::new(response.currencies, String::new())))
}

/// Get a currency
///
/// Returns the name, the symbol and the number of decimals of a currency by its code (ISO 4217).
#[utoipa::path(get, path = "/currencies/{code}", tag = "currencies",
    params(("code" = String, Path, description = "The currency code (ISO 4217), in any letter case.", example = "EUR")))]
async fn get_currency(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::CurrenciesRead>,
    Path(code): Path<String>,
) -> Result<Json<pb::Currency>, Problem> {
    let response = state.currencies().get_currency(pb::GetCurrencyRequest { code }).await?.into_inner();
    response.currency.map(Json).ok_or_else(Problem::internal)
}

/// List exchange rates
///
/// Lists the rates of all other currencies on one page. A currency without a rate on the day has
/// the rate of the last earlier day. Each rate has its day and source.
#[utoipa::path(get, path = "/exchange-rates", tag = "currencies")]
async fn list_exchange_rates(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CurrenciesRead>,
    StrictQuery(request): StrictQuery<pb::ListExchangeRatesRequest>,
) -> Result<Json<pb::ListExchangeRatesResponse>, Problem> {
    Ok(Json(state.currencies().list_exchange_rates(request).await?.into_inner()))
}

/// Convert an amount
///
/// Uses the exchange rate of the day, or of the last earlier day that has one. Without a direct
/// rate, the rate is crossed over a base currency. The response has the rate, its source and its
/// day.
#[utoipa::path(get, path = "/exchange-rates/convert", tag = "currencies")]
async fn convert_amount(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CurrenciesRead>,
    StrictQuery(request): StrictQuery<pb::ConvertAmountRequest>,
) -> Result<Json<pb::ConvertAmountResponse>, Problem> {
    Ok(Json(state.currencies().convert_amount(request).await?.into_inner()))
}
