use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Amount, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::transactions::response::Rate;
use crate::state::AppState;

/// An exchange rate to set manually.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetExchangeRateRequest {
    /// The base currency: `USD` or `EUR`. Other pairs are crossed over these two.
    #[schema(required = true, example = "EUR")]
    #[serde(default)]
    base: String,
    /// The currency whose rate is set (ISO 4217).
    #[schema(required = true, example = "CHF")]
    #[serde(default)]
    currency_code: String,
    /// The number of units of `currency_code` per unit of `base`, above zero.
    #[schema(required = true, example = "0.9194")]
    #[serde(default)]
    rate: Amount,
    /// The day of the rate as `YYYY-MM-DD`; default: today in UTC.
    #[schema(example = "2026-10-30")]
    date: Option<String>,
}

/// An exchange rate that was set manually.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManualExchangeRate)]
pub struct ManualExchangeRateResponse {
    /// The base currency: `USD` or `EUR`.
    #[schema(example = "EUR")]
    base: String,
    /// The currency whose rate is set (ISO 4217).
    #[schema(example = "CHF")]
    currency_code: String,
    #[serde(flatten)]
    rate: Rate,
}

/// Set an exchange rate
///
/// Sets the rate between two currencies on a day manually. It takes precedence over all other rates
/// of that day. Amounts that were already converted do not change.
#[utoipa::path(put, path = "/admin/exchange-rates", tag = "admin", security(("access_token" = ["exchange_rates:write"])),
    request_body = SetExchangeRateRequest,
    responses((status = 200, description = "The exchange rate", body = ManualExchangeRateResponse), WriteProblems))]
pub async fn set_exchange_rate(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ExchangeRatesWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<SetExchangeRateRequest>,
) -> Result<axum::Json<ManualExchangeRateResponse>, Problem> {
    let request = pb::SetExchangeRateRequest {
        base: body.base,
        currency_code: body.currency_code,
        rate: body.rate.0,
        date: body.date,
    };
    let response = state.currencies().set_exchange_rate(idempotency.request(request)).await?.into_inner();
    let set = response.rate.ok_or_else(Problem::internal)?;
    let rate = set.rate.unwrap_or_default().into();
    Ok(axum::Json(ManualExchangeRateResponse { base: response.base, currency_code: set.currency_code, rate }))
}
