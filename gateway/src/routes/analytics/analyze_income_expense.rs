use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::format::FormatOptions;
use super::sum::{Span, Sum, csv_cell, currencies};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::csv::CsvWriter;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeIncomeExpenseQuery {
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

/// Income and expenses over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncomeExpense)]
pub struct IncomeExpenseResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The intervals, oldest first.
    data: Vec<IncomeExpenseInterval>,
}

/// The income and expenses of one interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncomeExpenseInterval {
    #[serde(flatten)]
    span: Span,
    /// The total income.
    income: Sum,
    /// The expenses minus refunds.
    expense: Sum,
    /// The income minus the expenses.
    net: Sum,
}

impl From<pb::IncomeExpense> for IncomeExpenseInterval {
    fn from(row: pb::IncomeExpense) -> Self {
        Self {
            span: row.span.unwrap_or_default().into(),
            income: row.income.into(),
            expense: row.expense.into(),
            net: row.net.into(),
        }
    }
}

fn to_csv(analysis: &IncomeExpenseResponse) -> CsvWriter {
    let mut csv = CsvWriter::new(&[
        "from",
        "to",
        "currency_code",
        "income",
        "expense",
        "net",
        "income_by_currency",
        "expense_by_currency",
        "income_unpriced",
        "expense_unpriced",
    ]);
    for row in &analysis.data {
        csv.write_row([
            row.span.from.clone(),
            row.span.to.clone(),
            analysis.currency_code.clone(),
            row.income.amount.clone(),
            row.expense.amount.clone(),
            row.net.amount.clone(),
            row.income.by_currency_cell(),
            row.expense.by_currency_cell(),
            csv_cell(&row.income.unpriced),
            csv_cell(&row.expense.unpriced),
        ]);
    }
    csv
}

/// Analyze income and expenses
///
/// Returns the income and expenses of each interval as JSON, CSV or a chart, by currency and in the
/// household's currency at the exchange rate of each day. Refunds reduce expenses.
#[utoipa::path(get, path = "/analytics/income-expense", tag = "analytics", security(("access_token" = ["transactions:read"])), params(AnalyzeIncomeExpenseQuery),
    responses((status = 200, description = "Income and expenses", content(
        (IncomeExpenseResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_income_expense(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeIncomeExpenseQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let response = state.analytics().analyze_income_expense(request).await?.into_inner();
    let data = response.intervals.into_iter().map(Into::into).collect();
    let analysis = IncomeExpenseResponse { currency_code: response.currency_code, data };
    options.respond("income-expense", analysis, to_csv, |analysis| {
        let amounts = |field: fn(&IncomeExpenseInterval) -> &String| {
            analysis.data.iter().map(|row| field(row).clone()).collect()
        };
        let chart = Chart {
            language: &options.language,
            title: "chart-income-expense",
            title_suffix: analysis.currency_code.clone(),
            labels: analysis.data.iter().map(|row| row.span.from.clone()).collect(),
            series: vec![
                ("chart-income", amounts(|row| &row.income.amount)),
                ("chart-expense", amounts(|row| &row.expense.amount)),
            ],
            unpriced: currencies(
                analysis.data.iter().flat_map(|row| row.income.unpriced.iter().chain(&row.expense.unpriced)),
            ),
        };
        chart.bars()
    })
}
