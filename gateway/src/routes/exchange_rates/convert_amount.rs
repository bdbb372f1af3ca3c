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
pub struct ConvertAmountQuery {
    /// The currency of `amount` (ISO 4217).
    #[param(value_type = Option<enums::CurrencyCode>, required = true, example = "EUR")]
    from: Option<String>,
    /// The currency to convert to (ISO 4217).
    #[param(value_type = Option<enums::CurrencyCode>, required = true, example = "USD")]
    to: Option<String>,
    /// The amount in plain decimal digits, which may be negative.
    /// It must not have more decimals than `from`.
    #[param(required = true, pattern = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", example = "100.00")]
    amount: Option<String>,
    /// The day of the exchange rate; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// The result of a conversion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversion)]
pub struct ConversionResponse {
    /// The currency of `amount`.
    #[schema(example = "EUR")]
    from: String,
    /// The currency of `result`.
    #[schema(example = "USD")]
    to: String,
    /// The amount in `from`.
    #[schema(example = "100.00")]
    amount: String,
    /// The amount in `to`, rounded to its decimals (half to even).
    #[schema(example = "111.72")]
    result: String,
    /// The exchange rate from `from` to `to`.
    exchange_rate: Rate,
}

/// Convert an amount
///
/// Uses the exchange rate of the day, or of the last earlier day that has one. Without a direct
/// rate, the rate is crossed over a base currency. The response has the rate, its source and its
/// day.
#[utoipa::path(get, path = "/exchange-rates/convert", tag = "currencies", security(("access_token" = ["currencies:read"])), params(ConvertAmountQuery),
    responses((status = 200, description = "The amount in the other currency", body = ConversionResponse), ReadProblems))]
pub async fn convert_amount(
    State(state): State<AppState>,
    _user: RequirePermission<permission::CurrenciesRead>,
    StrictQuery(query): StrictQuery<ConvertAmountQuery>,
) -> Result<axum::Json<ConversionResponse>, Problem> {
    let request = pb::ConvertAmountRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        amount: query.amount.unwrap_or_default(),
        date: query.date.unwrap_or_default(),
    };
    let response = state.currencies().convert_amount(request).await?.into_inner();
    Ok(axum::Json(ConversionResponse {
        from: response.from,
        to: response.to,
        amount: response.amount,
        result: response.result,
        exchange_rate: response.rate.unwrap_or_default().into(),
    }))
}
