use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::form::Form;
use super::sum_view::{CurrencySumView, SpanView, SumView, cell, currencies, currency_sums};
use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::sheet::Sheet;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CashFlowQuery {
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

/// Money that came and went over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CashFlow)]
pub struct CashFlowView {
    #[schema(example = "EUR")]
    currency_code: String,
    /// The oldest first.
    data: Vec<CashFlowRowView>,
}

/// What moved in one interval; transfers between own accounts do not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CashFlowInterval)]
pub struct CashFlowRowView {
    #[serde(flatten)]
    span: SpanView,
    inflow: SumView,
    outflow: SumView,
    /// Opening balances and adjustments.
    other: SumView,
    /// Inflow less outflow.
    net: SumView,
    /// Net and other of this interval and all before it.
    #[schema(example = "688.00")]
    cumulative: String,
    /// What of these could not be converted.
    cumulative_unpriced: Vec<CurrencySumView>,
}

impl From<pb::IncomeExpense> for CashFlowRowView {
    fn from(it: pb::IncomeExpense) -> Self {
        Self {
            span: it.span.unwrap_or_default().into(),
            inflow: it.income.into(),
            outflow: it.expense.into(),
            other: it.other.into(),
            net: it.net.into(),
            cumulative: it.cumulative,
            cumulative_unpriced: currency_sums(it.cumulative_unpriced),
        }
    }
}

fn sheet(view: &CashFlowView) -> Sheet {
    let mut sheet = Sheet::new(&[
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
    for it in &view.data {
        sheet.row([
            it.span.from.clone(),
            it.span.to.clone(),
            view.currency_code.clone(),
            it.inflow.amount.clone(),
            it.outflow.amount.clone(),
            it.other.amount.clone(),
            it.net.amount.clone(),
            it.cumulative.clone(),
            it.inflow.parts(),
            it.outflow.parts(),
            cell(&it.inflow.unpriced),
            cell(&it.outflow.unpriced),
            cell(&it.other.unpriced),
            cell(&it.cumulative_unpriced),
        ]);
    }
    sheet
}

/// Money that came and went over time
///
/// Transfers between own accounts are neither; opening balances and adjustments stand apart as `other`. As JSON,
/// CSV or a chart.
#[utoipa::path(get, path = "/analytics/cash-flow", tag = "analytics", security(("access_token" = ["transactions:read"])), params(CashFlowQuery),
    responses((status = 200, description = "The cash flow", content(
        (CashFlowView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn cash_flow(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    headers: HeaderMap,
    Params(query): Params<CashFlowQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let answer = state.analytics().analyze_income_expense(request).await?.into_inner();
    let data = answer.intervals.into_iter().map(Into::into).collect();
    let view = CashFlowView { currency_code: answer.currency_code, data };
    form.answer("cash-flow", view, sheet, |view| {
        let amounts =
            |of: fn(&CashFlowRowView) -> &String| view.data.iter().map(|it| of(it).clone()).collect();
        let mut series = vec![
            ("chart-net", amounts(|it| &it.net.amount)),
            ("chart-cumulative", amounts(|it| &it.cumulative)),
        ];
        // Without it the cumulative line would jump for no reason to be seen.
        let is_zero = |amount: &String| amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        if view.data.iter().any(|it| !is_zero(&it.other.amount)) {
            series.insert(1, ("chart-other", amounts(|it| &it.other.amount)));
        }
        let chart = Chart {
            language: &form.language,
            title: "chart-cash-flow",
            about: view.currency_code.clone(),
            labels: view.data.iter().map(|it| it.span.from.clone()).collect(),
            series,
            unpriced: currencies(view.data.iter().flat_map(|it| &it.cumulative_unpriced)),
        };
        chart.lines()
    })
}
