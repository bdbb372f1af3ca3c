use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::format::FormatOptions;
use super::sum::{CurrencySum, Span, Sum, csv_cell, currencies, currency_sums};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::csv::CsvWriter;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeCashFlowQuery {
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

fn to_csv(analysis: &CashFlowResponse) -> CsvWriter {
    let mut csv = CsvWriter::new(&[
        "from",
        "to",
        "currency_code",
        "inflow",
        "outflow",
        "other",
        "net",
        "cumulative",
        "inflow_by_currency",
        "outflow_by_currency",
        "inflow_unpriced",
        "outflow_unpriced",
        "other_unpriced",
        "cumulative_unpriced",
    ]);
    for row in &analysis.data {
        csv.write_row([
            row.span.from.clone(),
            row.span.to.clone(),
            analysis.currency_code.clone(),
            row.inflow.amount.clone(),
            row.outflow.amount.clone(),
            row.other.amount.clone(),
            row.net.amount.clone(),
            row.cumulative.clone(),
            row.inflow.by_currency_cell(),
            row.outflow.by_currency_cell(),
            csv_cell(&row.inflow.unpriced),
            csv_cell(&row.outflow.unpriced),
            csv_cell(&row.other.unpriced),
            csv_cell(&row.cumulative_unpriced),
        ]);
    }
    csv
}

/// Analyze cash flow
///
/// Returns the inflow and outflow of each interval as JSON, CSV or a chart. Transfers between
/// accounts of the household are neither; opening balances and adjustments are listed separately as
/// `other`.
#[utoipa::path(get, path = "/analytics/cash-flow", tag = "analytics", security(("access_token" = ["transactions:read"])), params(AnalyzeCashFlowQuery),
    responses((status = 200, description = "The cash flow", content(
        (CashFlowResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_cash_flow(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeCashFlowQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let response = state.analytics().analyze_income_expense(request).await?.into_inner();
    let data = response.intervals.into_iter().map(Into::into).collect();
    let analysis = CashFlowResponse { currency_code: response.currency_code, data };
    options.respond("cash-flow", analysis, to_csv, |analysis| {
        let amounts = |field: fn(&CashFlowInterval) -> &String| {
            analysis.data.iter().map(|row| field(row).clone()).collect()
        };
        let mut series = vec![
            ("chart-net", amounts(|row| &row.net.amount)),
            ("chart-cumulative", amounts(|row| &row.cumulative)),
        ];
        // Without this series the cumulative line would jump for no visible reason.
        let is_zero = |amount: &String| amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        if analysis.data.iter().any(|row| !is_zero(&row.other.amount)) {
            series.insert(1, ("chart-other", amounts(|row| &row.other.amount)));
        }
        let chart = Chart {
            language: &options.language,
            title: "chart-cash-flow",
            title_suffix: analysis.currency_code.clone(),
            labels: analysis.data.iter().map(|row| row.span.from.clone()).collect(),
            series,
            unpriced: currencies(analysis.data.iter().flat_map(|row| &row.cumulative_unpriced)),
        };
        chart.lines()
    })
}
