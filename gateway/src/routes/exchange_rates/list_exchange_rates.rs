use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::transactions::response::Rate;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListExchangeRatesQuery {
    /// The base currency; default: the household's currency.
    #[param(value_type = Option<enums::CurrencyCode>, example = "EUR")]
    base: Option<String>,
    /// The day; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// The exchange rates of one base currency on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeRates)]
pub struct ExchangeRatesResponse {
    /// The base currency.
    #[schema(example = "EUR")]
    base: String,
    /// The requested day.
    #[schema(format = Date)]
    date: String,
    /// The rates of all other currencies.
    data: Vec<ExchangeRate>,
    /// Always null: all rates are on one page.
    next_page_token: Option<String>,
}

/// The exchange rate of a currency against the base currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExchangeRate {
    /// The currency (ISO 4217).
    #[schema(example = "USD")]
    currency_code: String,
    #[serde(flatten)]
    rate: Rate,
}

/// List exchange rates
///
/// Lists the rates of all other currencies on one page. A currency without a rate on the day has
/// the rate of the last earlier day. Each rate has its day and source.
#[utoipa::path(get, path = "/exchange-rates", tag = "currencies", security(("access_token" = ["currencies:read"])), params(ListExchangeRatesQuery),
    responses((status = 200, description = "The exchange rates", body = ExchangeRatesResponse), ReadProblems))]
pub async fn list_exchange_rates(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CurrenciesRead>,
    StrictQuery(query): StrictQuery<ListExchangeRatesQuery>,
) -> Result<axum::Json<ExchangeRatesResponse>, Problem> {
    let request = pb::ListExchangeRatesRequest {
        base: query.base.unwrap_or_default(),
        date: query.date.unwrap_or_default(),
    };
    let response = state.currencies().list_exchange_rates(request).await?.into_inner();
    let data = response.rates.into_iter().map(|row| ExchangeRate {
        currency_code: row.currency_code,
        rate: row.rate.unwrap_or_default().into(),
    });
    Ok(axum::Json(ExchangeRatesResponse {
        base: response.base,
        date: response.date,
        data: data.collect(),
        next_page_token: None,
    }))
}
