use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::form::Form;
use super::sum_view::{SpanView, SumView, cell, currencies};
use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::sheet::Sheet;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IncomeExpenseQuery {
    /// First day; default: a year before the last one.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// day, week (to Sunday) or month (default); at most 4,000 of them.
    #[param(value_type = Option<words::Interval>, inline)]
    interval: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<words::ChartForm>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// Income and expenses over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncomeExpense)]
pub struct IncomeExpenseView {
    #[schema(example = "EUR")]
    currency_code: String,
    /// The oldest first.
    data: Vec<IncomeExpenseRowView>,
}

/// What came in and what went out in one interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncomeExpenseInterval)]
pub struct IncomeExpenseRowView {
    #[serde(flatten)]
    span: SpanView,
    income: SumView,
    /// Refunds count against it.
    expense: SumView,
    /// Income less expense.
    net: SumView,
}

impl From<pb::IncomeExpense> for IncomeExpenseRowView {
    fn from(it: pb::IncomeExpense) -> Self {
        Self {
            span: it.span.unwrap_or_default().into(),
            income: it.income.into(),
            expense: it.expense.into(),
            net: it.net.into(),
        }
    }
}

fn sheet(view: &IncomeExpenseView) -> Sheet {
    let mut sheet = Sheet::new(&[
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
    for it in &view.data {
        sheet.row([
            it.span.from.clone(),
            it.span.to.clone(),
            view.currency_code.clone(),
            it.income.amount.clone(),
            it.expense.amount.clone(),
            it.net.amount.clone(),
            it.income.parts(),
            it.expense.parts(),
            cell(&it.income.unpriced),
            cell(&it.expense.unpriced),
        ]);
    }
    sheet
}

/// Income and expenses over time
///
/// In the household's currency at each day's rate, and per currency; refunds lower expenses. As JSON, CSV or a chart.
#[utoipa::path(get, path = "/analytics/income-expense", tag = "analytics", security(("access_token" = ["transactions:read"])), params(IncomeExpenseQuery),
    responses((status = 200, description = "Income and expenses", content(
        (IncomeExpenseView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn income_expense(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    headers: HeaderMap,
    Params(query): Params<IncomeExpenseQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let answer = state.analytics().analyze_income_expense(request).await?.into_inner();
    let data = answer.intervals.into_iter().map(Into::into).collect();
    let view = IncomeExpenseView { currency_code: answer.currency_code, data };
    form.answer("income-expense", view, sheet, |view| {
        let amounts =
            |of: fn(&IncomeExpenseRowView) -> &String| view.data.iter().map(|it| of(it).clone()).collect();
        let chart = Chart {
            language: &form.language,
            title: "chart-income-expense",
            about: view.currency_code.clone(),
            labels: view.data.iter().map(|it| it.span.from.clone()).collect(),
            series: vec![
                ("chart-income", amounts(|it| &it.income.amount)),
                ("chart-expense", amounts(|it| &it.expense.amount)),
            ],
            unpriced: currencies(
                view.data.iter().flat_map(|it| it.income.unpriced.iter().chain(&it.expense.unpriced)),
            ),
        };
        chart.bars()
    })
}
