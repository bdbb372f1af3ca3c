use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::chart::{BLUE, GREEN, Mark, VERMILION};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

impl Analysis for pb::AnalyzeNetWorthResponse {
    const DESCRIPTION: &'static str = "The net worth";

    fn table(&self, interval: &str) -> Table<'_, impl Copy> {
        Table::new("net-worth", &self.currency_code, &self.days, |row| {
            Some(Label::interval(&row.date, interval))
        })
        .column("date", |row| &row.date)
        .currency_column()
        .column("net_worth", |row| Cell::amount(row.net_worth.as_ref()))
        .drawn("chart-net-worth", Mark::Line(BLUE))
        .column("assets", |row| Cell::Money(&row.assets))
        .drawn("chart-assets", Mark::Line(GREEN))
        .column("liabilities", |row| Cell::Money(&row.liabilities))
        .drawn("chart-liabilities", Mark::Line(VERMILION))
        .column("by_currency", |row| Cell::by_currency(row.net_worth.as_ref()))
        .column("unpriced", |row| Cell::UnpricedCurrencies(&row.unpriced))
    }
}

/// Analyze net worth
///
/// Returns the net worth at the end of each interval as JSON, CSV or a chart, at the exchange rates
/// of each day. It includes the accounts with `include_in_net_worth`; a deleted account is included
/// up to the day before its deletion.
#[utoipa::path(get, path = "/analytics/net-worth", tag = "analytics")]
pub async fn analyze_net_worth(
    State(state): State<AppState>,
    _user: RequirePermission<permission::AccountsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzeNetWorthRequest>>,
) -> Result<AnalysisResponse<pb::AnalyzeNetWorthResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let interval = request.interval.clone();
    let analysis = state.analytics().analyze_net_worth(request).await?.into_inner();
    Ok(AnalysisResponse { analysis, interval, format, bom, language })
}
