use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::chart::{BLUE, GREEN, Mark, ORANGE, VERMILION};
use super::format::FormatOptions;
use super::query::IntervalQuery;
use super::sum::{CurrencySum, Span, Sum, currency_sums};
use super::table::{Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
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
    span: Span,
    /// The sum of the money that came in.
    inflow: Sum,
    /// The sum of the money that went out.
    outflow: Sum,
    /// The sum of opening balances and adjustments.
    other: Sum,
    /// The inflow minus the outflow.
    net: Sum,
    /// The sum of `net` and `other` of this and all earlier intervals of the span.
    #[schema(example = "688.00")]
    cumulative: String,
    /// The amounts missing in `cumulative` because they have no exchange rate.
    cumulative_unpriced: Vec<CurrencySum>,
}

impl CashFlowResponse {
    pub fn table(&self, interval: Option<&String>) -> Table<'_, &CashFlowInterval> {
        Table::new("cash-flow", &self.currency_code, &self.data, |row| {
            Some(Label::interval(&row.span.from, interval))
        })
        .column("from", |row| &row.span.from)
        .column("to", |row| &row.span.to)
        .currency_column()
        .money("inflow", |row| &row.inflow.amount)
        .drawn("chart-inflow", Mark::Bar(GREEN))
        .money("outflow", |row| &row.outflow.amount)
        .drawn("chart-outflow", Mark::Bar(VERMILION))
        .money("other", |row| &row.other.amount)
        .drawn_unless_zero("chart-other", Mark::Bar(ORANGE))
        .money("net", |row| &row.net.amount)
        .drawn("chart-net", Mark::Line(BLUE))
        .money("cumulative", |row| &row.cumulative)
        .column("inflow_by_currency", |row| &row.inflow.by_currency)
        .column("outflow_by_currency", |row| &row.outflow.by_currency)
        .unpriced("inflow_unpriced", |row| &row.inflow.unpriced)
        .unpriced("outflow_unpriced", |row| &row.outflow.unpriced)
        .unpriced("other_unpriced", |row| &row.other.unpriced)
        .unpriced("cumulative_unpriced", |row| &row.cumulative_unpriced)
    }
}

impl From<pb::AnalyzeIncomeExpenseResponse> for CashFlowResponse {
    fn from(response: pb::AnalyzeIncomeExpenseResponse) -> Self {
        let data = response.intervals.into_iter().map(Into::into).collect();
        Self { currency_code: response.currency_code, data }
    }
}

impl From<pb::IncomeExpense> for CashFlowInterval {
    fn from(row: pb::IncomeExpense) -> Self {
        Self {
            span: row.span.unwrap_or_default().into(),
            inflow: row.income.into(),
            outflow: row.expense.into(),
            other: row.other.into(),
            net: row.net.into(),
            cumulative: row.cumulative,
            cumulative_unpriced: currency_sums(row.cumulative_unpriced),
        }
    }
}

/// Analyze cash flow
///
/// Returns the inflow and outflow of each interval as JSON, CSV or a chart. Transfers between
/// accounts of the household are neither; opening balances and adjustments are listed separately as
/// `other`.
#[utoipa::path(get, path = "/analytics/cash-flow", tag = "analytics", security(("access_token" = ["transactions:read"])), params(IntervalQuery),
    responses((status = 200, description = "The cash flow", content(
        (CashFlowResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_cash_flow(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<IntervalQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.clone().unwrap_or_default(),
    };
    let analysis =
        CashFlowResponse::from(state.analytics().analyze_income_expense(request).await?.into_inner());
    options.respond(&analysis, || analysis.table(query.interval.as_ref()))
}
