use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::chart::{BLUE, GREEN, Mark, VERMILION};
use super::format::FormatOptions;
use super::query::IntervalQuery;
use super::sum::Sum;
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

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

impl NetWorthResponse {
    pub fn table(&self, interval: Option<&String>) -> Table<'_, &NetWorthDay> {
        Table::new("net-worth", &self.currency_code, &self.data, |row| {
            Some(Label::interval(&row.date, interval))
        })
        .column("date", |row| &row.date)
        .currency_column()
        .money("net_worth", |row| &row.net_worth.amount)
        .drawn("chart-net-worth", Mark::Line(BLUE))
        .money("assets", |row| &row.assets)
        .drawn("chart-assets", Mark::Line(GREEN))
        .money("liabilities", |row| &row.liabilities)
        .drawn("chart-liabilities", Mark::Line(VERMILION))
        .column("by_currency", |row| &row.net_worth.by_currency)
        .column("unpriced", |row| Cell::UnpricedCurrencies(&row.unpriced))
    }
}

impl From<pb::AnalyzeNetWorthResponse> for NetWorthResponse {
    fn from(response: pb::AnalyzeNetWorthResponse) -> Self {
        let data = response.days.into_iter().map(Into::into).collect();
        Self { currency_code: response.currency_code, data }
    }
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

/// Analyze net worth
///
/// Returns the net worth at the end of each interval as JSON, CSV or a chart, at the exchange rates
/// of each day. It includes the accounts with `include_in_net_worth`; a deleted account is included
/// up to the day before its deletion.
#[utoipa::path(get, path = "/analytics/net-worth", tag = "analytics", security(("access_token" = ["accounts:read"])), params(IntervalQuery),
    responses((status = 200, description = "The net worth", content(
        (NetWorthResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_net_worth(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<IntervalQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeNetWorthRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.clone().unwrap_or_default(),
    };
    let analysis = NetWorthResponse::from(state.analytics().analyze_net_worth(request).await?.into_inner());
    options.respond(&analysis, || analysis.table(query.interval.as_ref()))
}
