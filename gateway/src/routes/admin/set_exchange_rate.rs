use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{AmountText, NoParams, OnceJson, Permitted, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::routes::transactions::view::RateView;
use crate::state::AppState;

/// A rate to set by hand.
#[derive(Deserialize, ToSchema)]
#[schema(as = SetExchangeRateRequest)]
#[serde(deny_unknown_fields)]
pub struct SetExchangeRateBody {
    /// USD or EUR; others are crossed over them.
    #[schema(required = true, example = "EUR")]
    #[serde(default)]
    base: String,
    #[schema(required = true, example = "CHF")]
    #[serde(default)]
    currency_code: String,
    /// Units of the currency for one of the base.
    #[schema(required = true, example = "0.9194")]
    #[serde(default)]
    rate: AmountText,
    /// Default: today in UTC.
    #[schema(example = "2026-10-30")]
    date: Option<String>,
}

/// A rate as it was set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManualExchangeRate)]
pub struct ManualRateView {
    #[schema(example = "EUR")]
    base: String,
    #[schema(example = "CHF")]
    currency_code: String,
    #[serde(flatten)]
    rate: RateView,
}

/// Set an exchange rate by hand
///
/// It goes before every other rate of its day; amounts that are frozen already stay.
#[utoipa::path(put, path = "/admin/exchange-rates", tag = "admin", security(("access_token" = ["exchange_rates:write"])),
    request_body = SetExchangeRateBody,
    responses((status = 200, description = "The rate", body = ManualRateView), WriteProblems))]
pub async fn set_exchange_rate(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::ExchangeRatesWrite>,
    OnceJson(once, body): OnceJson<SetExchangeRateBody>,
) -> Result<axum::Json<ManualRateView>, Problem> {
    let request = pb::SetExchangeRateRequest {
        base: body.base,
        currency_code: body.currency_code,
        rate: body.rate.0,
        date: body.date,
    };
    let answer = state.currencies().set_exchange_rate(once.request(request)).await?.into_inner();
    let set = answer.rate.ok_or_else(Problem::internal)?;
    let rate = set.rate.unwrap_or_default().into();
    Ok(axum::Json(ManualRateView { base: answer.base, currency_code: set.currency_code, rate }))
}
