use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::chart::{GREEN, Mark, VERMILION};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

impl Analysis for pb::AnalyzeIncomeExpenseResponse {
    const DESCRIPTION: &'static str = "Income and expenses";

    fn table(&self, interval: &str) -> Table<'_, impl Copy> {
        Table::new("income-expense", &self.currency_code, &self.intervals, |row| {
            Some(Label::interval(&row.span.as_ref()?.from, interval))
        })
        .span_columns(|row| row.span.as_ref())
        .currency_column()
        .column("income", |row| Cell::amount(row.income.as_ref()))
        .drawn("chart-income", Mark::Bar(GREEN))
        .column("expense", |row| Cell::amount(row.expense.as_ref()))
        .drawn("chart-expense", Mark::Bar(VERMILION))
        .column("net", |row| Cell::amount(row.net.as_ref()))
        .column("income_by_currency", |row| Cell::by_currency(row.income.as_ref()))
        .column("expense_by_currency", |row| Cell::by_currency(row.expense.as_ref()))
        .column("income_unpriced", |row| Cell::unpriced(row.income.as_ref()))
        .column("expense_unpriced", |row| Cell::unpriced(row.expense.as_ref()))
    }
}

/// Analyze income and expenses
///
/// Returns the income and expenses of each interval as JSON, CSV or a chart, by currency and in the
/// household's currency at the exchange rate of each day. Refunds reduce expenses.
#[utoipa::path(get, path = "/analytics/income-expense", tag = "analytics")]
pub async fn analyze_income_expense(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzeIncomeExpenseRequest>>,
) -> Result<AnalysisResponse<pb::AnalyzeIncomeExpenseResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let interval = request.interval.clone();
    let analysis = state.analytics().analyze_income_expense(request).await?.into_inner();
    Ok(AnalysisResponse { analysis, interval, format, bom, language })
}
