use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::chart::{BLUE, Mark};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

impl Analysis for pb::AnalyzeSpendingResponse {
    const DESCRIPTION: &'static str = "The spending";

    fn table(&self, interval: &str) -> Table<'_, impl Copy> {
        Table::new("spending", &self.currency_code, &self.groups, |row| match &row.span {
            Some(span) => Some(Label::interval(&span.from, interval)),
            None => Some(Label::Name(&row.name)),
        })
        .span(self.span.as_ref())
        .column("id", |row| &row.id)
        .column("name", |row| Cell::Text(&row.name))
        .span_columns(|row| row.span.as_ref())
        .column("amount", |row| Cell::amount(row.spent.as_ref()))
        .drawn("chart-expense", Mark::Bar(BLUE))
        .currency_column()
        .column("share", |row| &row.share)
        .column("by_currency", |row| Cell::by_currency(row.spent.as_ref()))
        .column("unpriced", |row| Cell::unpriced(row.spent.as_ref()))
    }
}

/// Analyze spending
///
/// Returns expenses minus refunds as JSON, CSV or a chart, by currency and in the household's
/// currency at the exchange rate of each day.
#[utoipa::path(get, path = "/analytics/spending", tag = "analytics")]
pub async fn analyze_spending(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzeSpendingRequest>>,
) -> Result<AnalysisResponse<pb::AnalyzeSpendingResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let interval = request.group_by.clone();
    let analysis = state.analytics().analyze_spending(request).await?.into_inner();
    Ok(AnalysisResponse { analysis, interval, format, bom, language })
}
