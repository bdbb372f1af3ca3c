use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::transactions::view::RateView;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListExchangeRatesQuery {
    /// Default: the household's currency.
    #[param(value_type = Option<words::CurrencyCode>, example = "EUR")]
    base: Option<String>,
    /// Default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// The rates of a day from one base.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeRates)]
pub struct ExchangeRatesView {
    #[schema(example = "EUR")]
    base: String,
    #[schema(format = Date)]
    date: String,
    data: Vec<ExchangeRateView>,
    /// Always null: all of them are on one page.
    next_page_token: Option<String>,
}

/// Units of a currency for one unit of the base.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeRate)]
pub struct ExchangeRateView {
    #[schema(example = "USD")]
    currency_code: String,
    #[serde(flatten)]
    rate: RateView,
}

/// List exchange rates
///
/// A day without a rate takes the last one before it; each says its own day and source.
#[utoipa::path(get, path = "/exchange-rates", tag = "currencies", security(("access_token" = ["currencies:read"])), params(ListExchangeRatesQuery),
    responses((status = 200, description = "The rates", body = ExchangeRatesView), ReadProblems))]
pub async fn list_exchange_rates(
    State(state): State<AppState>,
    _user: Permitted<permission::CurrenciesRead>,
    Params(query): Params<ListExchangeRatesQuery>,
) -> Result<axum::Json<ExchangeRatesView>, Problem> {
    let request = pb::ListExchangeRatesRequest {
        base: query.base.unwrap_or_default(),
        date: query.date.unwrap_or_default(),
    };
    let answer = state.currencies().list_exchange_rates(request).await?.into_inner();
    let data = answer.rates.into_iter().map(|it| ExchangeRateView {
        currency_code: it.currency_code,
        rate: it.rate.unwrap_or_default().into(),
    });
    Ok(axum::Json(ExchangeRatesView {
        base: answer.base,
        date: answer.date,
        data: data.collect(),
        next_page_token: None,
    }))
}
