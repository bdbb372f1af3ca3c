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
    #[param(value_type = Option<enums::CurrencyCode>, required = true, example = "EUR")]
    from: Option<String>,
    #[param(value_type = Option<enums::CurrencyCode>, required = true, example = "USD")]
    to: Option<String>,
    /// Plain decimal digits, with at most the decimals of `from`; below zero too.
    #[param(required = true, pattern = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", example = "100.00")]
    amount: Option<String>,
    /// Default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    date: Option<String>,
}

/// An amount in two currencies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversion)]
pub struct ConversionResponse {
    #[schema(example = "EUR")]
    from: String,
    #[schema(example = "USD")]
    to: String,
    #[schema(example = "100.00")]
    amount: String,
    /// Rounded to the decimals of `to`, half to even.
    #[schema(example = "111.72")]
    result: String,
    exchange_rate: Rate,
}

/// Convert an amount
///
/// At the rate of the day, or of the last day before it that has one; crossed where there is no direct one. The
/// answer says which rate, from where, and of which day.
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
