use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::form::Form;
use super::sum_view::{SpanView, SumView, cell, currencies, said};
use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::sheet::{Sheet, safe};
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SpendingQuery {
    /// First day; default: of the last day's month.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// category (default), day, week, month or account.
    #[param(value_type = Option<words::Grouping>, inline)]
    group_by: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<words::ChartForm>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// What was spent; refunds count against it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spending)]
pub struct SpendingView {
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: SpanView,
    total: SumView,
    /// The largest first; days, weeks and months in their order.
    data: Vec<SpendingGroupView>,
}

/// What was spent on one category, from one account or in one interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendingGroup)]
pub struct SpendingGroupView {
    /// Of a category or an account; null: without a category, or an interval.
    #[schema(format = Uuid)]
    id: Option<String>,
    name: Option<String>,
    /// Of a day, week or month.
    span: Option<SpanView>,
    #[serde(flatten)]
    spent: SumView,
    /// Percent of the total.
    #[schema(example = "74.6")]
    share: Option<String>,
}

impl From<pb::AnalyzeSpendingResponse> for SpendingView {
    fn from(it: pb::AnalyzeSpendingResponse) -> Self {
        let group = |it: pb::SpendingGroup| SpendingGroupView {
            id: said(it.id),
            name: said(it.name),
            span: it.span.map(Into::into),
            spent: it.spent.into(),
            share: said(it.share),
        };
        Self {
            currency_code: it.currency_code,
            span: it.span.unwrap_or_default().into(),
            total: it.total.into(),
            data: it.groups.into_iter().map(group).collect(),
        }
    }
}

impl SpendingGroupView {
    fn label(&self, none: &str) -> String {
        match (&self.span, &self.name) {
            (Some(span), _) => span.from.clone(),
            (None, Some(name)) => name.clone(),
            (None, None) => none.to_owned(),
        }
    }
}

fn sheet(view: &SpendingView) -> Sheet {
    let columns = ["id", "name", "from", "to", "amount", "currency_code", "share", "by_currency", "unpriced"];
    let mut sheet = Sheet::new(&columns);
    for it in &view.data {
        let (from, to) =
            it.span.as_ref().map(|span| (span.from.clone(), span.to.clone())).unwrap_or_default();
        sheet.row([
            it.id.clone().unwrap_or_default(),
            safe(it.name.as_deref().unwrap_or_default()),
            from,
            to,
            it.spent.amount.clone(),
            view.currency_code.clone(),
            it.share.clone().unwrap_or_default(),
            it.spent.parts(),
            cell(&it.spent.unpriced),
        ]);
    }
    sheet
}

/// What was spent, by category, account or time
///
/// In the household's currency at each day's rate, and per currency; refunds count against it. As JSON, CSV or a
/// chart.
#[utoipa::path(get, path = "/analytics/spending", tag = "analytics", security(("access_token" = ["transactions:read"])), params(SpendingQuery),
    responses((status = 200, description = "The spending", content(
        (SpendingView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn spending(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    headers: HeaderMap,
    Params(query): Params<SpendingQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeSpendingRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        group_by: query.group_by.unwrap_or_default(),
    };
    let view = SpendingView::from(state.analytics().analyze_spending(request).await?.into_inner());
    form.answer("spending", view, sheet, |view| {
        let none = form.language.text("chart-uncategorised");
        let chart = Chart {
            language: &form.language,
            title: "chart-spending",
            about: view.span.about(&view.currency_code),
            labels: view.data.iter().map(|it| it.label(&none)).collect(),
            series: vec![("chart-expense", view.data.iter().map(|it| it.spent.amount.clone()).collect())],
            unpriced: currencies(&view.total.unpriced),
        };
        if view.data.iter().any(|it| it.span.is_some()) { chart.bars() } else { chart.ranking() }
    })
}
