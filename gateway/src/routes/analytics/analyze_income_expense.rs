use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::chart::{GREEN, Mark, VERMILION};
use super::format::FormatOptions;
use super::query::IntervalQuery;
use super::sum::{Span, Sum};
use super::table::{Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

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

impl IncomeExpenseResponse {
    pub fn table(&self, interval: Option<&String>) -> Table<'_, &IncomeExpenseInterval> {
        Table::new("income-expense", &self.currency_code, &self.data, |row| {
            Some(Label::interval(&row.span.from, interval))
        })
        .column("from", |row| &row.span.from)
        .column("to", |row| &row.span.to)
        .currency_column()
        .money("income", |row| &row.income.amount)
        .drawn("chart-income", Mark::Bar(GREEN))
        .money("expense", |row| &row.expense.amount)
        .drawn("chart-expense", Mark::Bar(VERMILION))
        .money("net", |row| &row.net.amount)
        .column("income_by_currency", |row| &row.income.by_currency)
        .column("expense_by_currency", |row| &row.expense.by_currency)
        .unpriced("income_unpriced", |row| &row.income.unpriced)
        .unpriced("expense_unpriced", |row| &row.expense.unpriced)
    }
}

impl From<pb::AnalyzeIncomeExpenseResponse> for IncomeExpenseResponse {
    fn from(response: pb::AnalyzeIncomeExpenseResponse) -> Self {
        let data = response.intervals.into_iter().map(Into::into).collect();
        Self { currency_code: response.currency_code, data }
    }
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

/// Analyze income and expenses
///
/// Returns the income and expenses of each interval as JSON, CSV or a chart, by currency and in the
/// household's currency at the exchange rate of each day. Refunds reduce expenses.
#[utoipa::path(get, path = "/analytics/income-expense", tag = "analytics", security(("access_token" = ["transactions:read"])), params(IntervalQuery),
    responses((status = 200, description = "Income and expenses", content(
        (IncomeExpenseResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_income_expense(
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
        IncomeExpenseResponse::from(state.analytics().analyze_income_expense(request).await?.into_inner());
    options.respond(&analysis, || analysis.table(query.interval.as_ref()))
}
