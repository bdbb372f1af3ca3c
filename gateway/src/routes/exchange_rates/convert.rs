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
pub struct ConvertQuery {
    #[param(value_type = Option<words::CurrencyCode>, required = true, example = "EUR")]
    from: Option<String>,
    #[param(value_type = Option<words::CurrencyCode>, required = true, example = "USD")]
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
pub struct ConversionView {
    #[schema(example = "EUR")]
    from: String,
    #[schema(example = "USD")]
    to: String,
    #[schema(example = "100.00")]
    amount: String,
    /// Rounded to the decimals of `to`, half to even.
    #[schema(example = "111.72")]
    result: String,
    exchange_rate: RateView,
}

/// Convert an amount
///
/// At the rate of the day, or of the last day before it that has one; crossed where there is no direct one. The
/// answer says which rate, from where, and of which day.
#[utoipa::path(get, path = "/exchange-rates/convert", tag = "currencies", security(("access_token" = ["currencies:read"])), params(ConvertQuery),
    responses((status = 200, description = "The amount in the other currency", body = ConversionView), ReadProblems))]
pub async fn convert(
    State(state): State<AppState>,
    _user: Permitted<permission::CurrenciesRead>,
    Params(query): Params<ConvertQuery>,
) -> Result<axum::Json<ConversionView>, Problem> {
    let request = pb::ConvertAmountRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        amount: query.amount.unwrap_or_default(),
        date: query.date.unwrap_or_default(),
    };
    let answer = state.currencies().convert_amount(request).await?.into_inner();
    Ok(axum::Json(ConversionView {
        from: answer.from,
        to: answer.to,
        amount: answer.amount,
        result: answer.result,
        exchange_rate: answer.rate.unwrap_or_default().into(),
    }))
}
