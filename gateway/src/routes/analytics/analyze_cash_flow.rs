use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::chart::{BLUE, GREEN, Mark, ORANGE, VERMILION};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

/// Inflows and outflows of money over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CashFlow)]
pub struct CashFlowResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The intervals, oldest first.
    data: Vec<CashFlowInterval>,
}

/// The inflow and outflow of one interval.
///
/// Transfers between accounts of the household are not included.
#[derive(Debug, Serialize, ToSchema)]
pub struct CashFlowInterval {
    #[serde(flatten)]
    span: pb::DateRange,
    /// The sum of the money that came in.
    inflow: pb::Sum,
    /// The sum of the money that went out.
    outflow: pb::Sum,
    /// The sum of opening balances and adjustments.
    other: pb::Sum,
    /// The inflow minus the outflow.
    net: pb::Sum,
    /// The sum of `net` and `other` of this and all earlier intervals of the span.
    #[schema(example = "688.00")]
    cumulative: String,
    /// The amounts missing in `cumulative` because they have no exchange rate.
    cumulative_unpriced: Vec<pb::CurrencySum>,
}

impl From<pb::AnalyzeIncomeExpenseResponse> for CashFlowResponse {
    fn from(response: pb::AnalyzeIncomeExpenseResponse) -> Self {
        let interval = |row: pb::IncomeExpense| CashFlowInterval {
            span: row.span.unwrap_or_default(),
            inflow: row.income.unwrap_or_default(),
            outflow: row.expense.unwrap_or_default(),
            other: row.other.unwrap_or_default(),
            net: row.net.unwrap_or_default(),
            cumulative: row.cumulative,
            cumulative_unpriced: row.cumulative_unpriced,
        };
        let data = response.intervals.into_iter().map(interval).collect();
        Self { currency_code: response.currency_code, data }
    }
}

impl Analysis for CashFlowResponse {
    const DESCRIPTION: &'static str = "The cash flow";

    fn table(&self, interval: &str) -> Table<'_, impl Copy> {
        Table::new("cash-flow", &self.currency_code, &self.data, |row| {
            Some(Label::interval(&row.span.from, interval))
        })
        .span_columns(|row| Some(&row.span))
        .currency_column()
        .column("inflow", |row| Cell::Money(&row.inflow.amount))
        .drawn("chart-inflow", Mark::Bar(GREEN))
        .column("outflow", |row| Cell::Money(&row.outflow.amount))
        .drawn("chart-outflow", Mark::Bar(VERMILION))
        .column("other", |row| Cell::Money(&row.other.amount))
        .drawn_unless_zero("chart-other", Mark::Bar(ORANGE))
        .column("net", |row| Cell::Money(&row.net.amount))
        .drawn("chart-net", Mark::Line(BLUE))
        .column("cumulative", |row| Cell::Money(&row.cumulative))
        .column("inflow_by_currency", |row| Cell::Sums(&row.inflow.by_currency))
        .column("outflow_by_currency", |row| Cell::Sums(&row.outflow.by_currency))
        .column("inflow_unpriced", |row| Cell::Unpriced(&row.inflow.unpriced))
        .column("outflow_unpriced", |row| Cell::Unpriced(&row.outflow.unpriced))
        .column("other_unpriced", |row| Cell::Unpriced(&row.other.unpriced))
        .column("cumulative_unpriced", |row| Cell::Unpriced(&row.cumulative_unpriced))
    }
}

/// Analyze cash flow
///
/// Returns the inflow and outflow of each interval as JSON, CSV or a chart. Transfers between
/// accounts of the household are neither; opening balances and adjustments are listed separately as
/// `other`.
#[utoipa::path(get, path = "/analytics/cash-flow", tag = "analytics")]
pub async fn analyze_cash_flow(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzeIncomeExpenseRequest>>,
) -> Result<AnalysisResponse<CashFlowResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let interval = request.interval.clone();
    let analysis = state.analytics().analyze_income_expense(request).await?.into_inner().into();
    Ok(AnalysisResponse { analysis, interval, format, bom, language })
}
