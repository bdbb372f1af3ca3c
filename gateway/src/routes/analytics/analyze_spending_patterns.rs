use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::chart::{BLUE, Mark};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

impl Analysis for pb::AnalyzePatternsResponse {
    const DESCRIPTION: &'static str = "The patterns; the chart shows the weekdays";

    /// Returns one table of all patterns; the column `pattern` names the kind.
    fn table(&self, _interval: &str) -> Table<'_, impl Copy> {
        use Cell::{Empty, Money, Number, Plain, Text};
        let code = Plain(&self.currency_code);
        let weekdays = self.weekdays.iter().map(|row| {
            let (pattern, id, sum) = (Plain("weekday"), Number(row.weekday), row.average.as_ref());
            let (amount, by_currency) = (Cell::amount(sum), Cell::by_currency(sum));
            let unpriced = Cell::unpriced(sum);
            let cells = [pattern, id, Empty, Empty, amount, code, by_currency, Empty, Empty, unpriced];
            (Some(Label::Weekday(row.weekday)), cells)
        });
        let largest = self.largest.iter().map(|transaction| {
            let name = Text(transaction.description.as_deref().unwrap_or_default());
            let (id, date) = (Plain(&transaction.id), Plain(&transaction.transaction_date));
            let (amount, code) = (Plain(&transaction.amount), Plain(&transaction.currency_code));
            (None, [Plain("largest"), id, name, date, amount, code, Empty, Empty, Empty, Empty])
        });
        let unusual = self.unusual.iter().map(|row| {
            let (id, name, sum) = (Plain(&row.id), Text(&row.name), row.amount.as_ref());
            let (amount, by_currency) = (Cell::amount(sum), Cell::by_currency(sum));
            let (usual, change) = (Money(&row.usual), Plain(&row.change_percent));
            let unpriced = Cell::unpriced(sum);
            let cells =
                [Plain("unusual"), id, name, Empty, amount, code, by_currency, usual, change, unpriced];
            (None, cells)
        });
        Table::new("patterns", &self.currency_code, weekdays.chain(largest).chain(unusual), |(label, _)| {
            label
        })
        .span(self.span.as_ref())
        .column("pattern", |(_, cells)| cells[0])
        .column("id", |(_, cells)| cells[1])
        .column("name", |(_, cells)| cells[2])
        .column("date", |(_, cells)| cells[3])
        .column("amount", |(_, cells)| cells[4])
        .drawn("chart-expense", Mark::Bar(BLUE))
        .column("currency_code", |(_, cells)| cells[5])
        .column("by_currency", |(_, cells)| cells[6])
        .column("usual", |(_, cells)| cells[7])
        .column("change_percent", |(_, cells)| cells[8])
        .column("unpriced", |(_, cells)| cells[9])
    }
}

/// Analyze spending patterns
///
/// Returns the average spending per weekday, the five largest expenses, and the categories whose
/// spending differs strongly from the average of the three previous spans, as JSON, CSV or a chart.
#[utoipa::path(get, path = "/analytics/patterns", tag = "analytics")]
pub async fn analyze_spending_patterns(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzePatternsRequest>>,
) -> Result<AnalysisResponse<pb::AnalyzePatternsResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let analysis = state.analytics().analyze_patterns(request).await?.into_inner();
    Ok(AnalysisResponse { analysis, interval: String::new(), format, bom, language })
}
