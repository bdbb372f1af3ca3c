use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::format::FormatOptions;
use super::sum::Sum;
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::csv::CsvWriter;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeNetWorthQuery {
    /// The first day, included; default: the first day of the year that ends on `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// The interval: `day`, `week` (Monday to Sunday) or `month` (default).
    /// The span must have at most 4,000 intervals.
    #[param(value_type = Option<enums::Interval>, inline)]
    interval: Option<String>,
    /// The response format: `json` (default), `csv` or `svg` (a chart).
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// The net worth of the household over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NetWorth)]
pub struct NetWorthResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The net worth on the last day of each interval, oldest first.
    /// The last interval ends on the last day of the span.
    data: Vec<NetWorthDay>,
}

/// The net worth at the end of a day, at the exchange rates of that day.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetWorthDay {
    /// The day.
    #[schema(format = Date, example = "2026-08-31")]
    date: String,
    /// The sum of all balances.
    net_worth: Sum,
    /// The sum of the positive balances, in the household's currency.
    #[schema(example = "681.88")]
    assets: String,
    /// The sum of the negative balances, in the household's currency.
    #[schema(example = "-200.00")]
    liabilities: String,
    /// The currencies without an exchange rate up to this day.
    /// Their amounts are in `net_worth.unpriced`.
    unpriced: Vec<String>,
}

impl From<pb::NetWorth> for NetWorthDay {
    fn from(row: pb::NetWorth) -> Self {
        Self {
            date: row.date,
            net_worth: row.net_worth.into(),
            assets: row.assets,
            liabilities: row.liabilities,
            unpriced: row.unpriced,
        }
    }
}

fn to_csv(analysis: &NetWorthResponse) -> CsvWriter {
    let mut csv = CsvWriter::new(&[
        "date",
        "currency_code",
        "net_worth",
        "assets",
        "liabilities",
        "by_currency",
        "unpriced",
    ]);
    for row in &analysis.data {
        csv.write_row([
            row.date.clone(),
            analysis.currency_code.clone(),
            row.net_worth.amount.clone(),
            row.assets.clone(),
            row.liabilities.clone(),
            row.net_worth.by_currency_cell(),
            row.unpriced.join("; "),
        ]);
    }
    csv
}

/// Analyze net worth
///
/// Returns the net worth at the end of each interval as JSON, CSV or a chart, at the exchange rates
/// of each day. It includes the accounts with `include_in_net_worth`; a deleted account is included
/// up to the day before its deletion.
#[utoipa::path(get, path = "/analytics/net-worth", tag = "analytics", security(("access_token" = ["accounts:read"])), params(AnalyzeNetWorthQuery),
    responses((status = 200, description = "The net worth", content(
        (NetWorthResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_net_worth(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeNetWorthQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeNetWorthRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let response = state.analytics().analyze_net_worth(request).await?.into_inner();
    let data = response.days.into_iter().map(Into::into).collect();
    let analysis = NetWorthResponse { currency_code: response.currency_code, data };
    options.respond("net-worth", analysis, to_csv, |analysis| {
        let amounts =
            |field: fn(&NetWorthDay) -> &String| analysis.data.iter().map(|row| field(row).clone()).collect();
        let chart = Chart {
            language: &options.language,
            title: "chart-net-worth",
            title_suffix: analysis.currency_code.clone(),
            labels: analysis.data.iter().map(|row| row.date.clone()).collect(),
            series: vec![
                ("chart-net-worth", amounts(|row| &row.net_worth.amount)),
                ("chart-assets", amounts(|row| &row.assets)),
                ("chart-liabilities", amounts(|row| &row.liabilities)),
            ],
            unpriced: analysis.data.iter().flat_map(|row| row.unpriced.iter().cloned()).collect(),
        };
        chart.lines()
    })
}
