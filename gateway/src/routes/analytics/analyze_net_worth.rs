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
    /// First day; default: a year before the last one.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// day, week (to Sunday) or month (default); at most 4,000 of them.
    #[param(value_type = Option<enums::Interval>, inline)]
    interval: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// What the household has over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NetWorth)]
pub struct NetWorthResponse {
    #[schema(example = "EUR")]
    currency_code: String,
    /// The oldest first; the last one is the last day.
    data: Vec<NetWorthDay>,
}

/// What the household has at the end of a day, at that day's rates.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetWorthDay {
    #[schema(format = Date, example = "2026-08-31")]
    date: String,
    net_worth: Sum,
    /// What is above zero.
    #[schema(example = "681.88")]
    assets: String,
    /// What is below zero.
    #[schema(example = "-200.00")]
    liabilities: String,
    /// Currencies without a rate up to that day; their amounts are in `net_worth.unpriced`.
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

/// Net worth over time
///
/// Of the accounts with `include_in_net_worth`, at each day's rates; a deleted account counts up
/// to the day before.
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
