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

/// Income and expenses over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncomeExpense)]
pub struct IncomeExpenseResponse {
    #[schema(example = "EUR")]
    currency_code: String,
    /// The oldest first.
    data: Vec<IncomeExpenseInterval>,
}

/// What came in and what went out in one interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncomeExpenseInterval {
    #[serde(flatten)]
    span: Span,
    income: Sum,
    /// Refunds count against it.
    expense: Sum,
    /// Income less expense.
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

/// Income and expenses over time
///
/// In the household's currency at each day's rate, and per currency; refunds lower expenses. As JSON, CSV or a chart.
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
