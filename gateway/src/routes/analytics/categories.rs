use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::form::Form;
use super::sum_view::{CurrencySumView, SpanView, SumView, cell, currencies, currency_sums, said};
use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::sheet::{Sheet, safe};
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CategoriesQuery {
    /// First day; default: of the last day's month.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// expense (default) or income.
    #[serde(rename = "type")]
    #[param(value_type = Option<words::CategoryType>, inline)]
    kind: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<words::ChartForm>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// Categories: their share, and how they changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryAnalysis)]
pub struct CategoriesView {
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: SpanView,
    /// Whole months: as many months before. A month so far: the same days of the month before.
    /// Other spans: as many days right before.
    previous_span: SpanView,
    total: SumView,
    /// The largest first; each without the categories below it.
    data: Vec<CategoryView>,
}

/// One category.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyzedCategory)]
pub struct CategoryView {
    /// Null: without a category.
    #[schema(format = Uuid)]
    id: Option<String>,
    name: Option<String>,
    #[schema(format = Uuid)]
    parent_id: Option<String>,
    #[serde(flatten)]
    amount: SumView,
    /// Percent of the total.
    #[schema(example = "74.6")]
    share: Option<String>,
    #[schema(example = "140.00")]
    previous_amount: String,
    /// What had no rate for its day then.
    previous_unpriced: Vec<CurrencySumView>,
    #[schema(example = "-34.00")]
    change: String,
    /// Null where there was nothing before.
    #[schema(example = "-24.2")]
    change_percent: Option<String>,
}

impl From<pb::AnalyzeCategoriesResponse> for CategoriesView {
    fn from(it: pb::AnalyzeCategoriesResponse) -> Self {
        let category = |it: pb::CategoryAnalysis| CategoryView {
            id: said(it.id),
            name: said(it.name),
            parent_id: said(it.parent_id),
            amount: it.amount.into(),
            share: said(it.share),
            previous_amount: it.previous_amount,
            previous_unpriced: currency_sums(it.previous_unpriced),
            change: it.change,
            change_percent: said(it.change_percent),
        };
        Self {
            currency_code: it.currency_code,
            span: it.span.unwrap_or_default().into(),
            previous_span: it.previous_span.unwrap_or_default().into(),
            total: it.total.into(),
            data: it.categories.into_iter().map(category).collect(),
        }
    }
}

fn sheet(view: &CategoriesView) -> Sheet {
    let mut sheet = Sheet::new(&[
        "id",
        "name",
        "parent_id",
        "amount",
        "currency_code",
        "share",
        "previous_amount",
        "change",
        "change_percent",
        "by_currency",
        "unpriced",
        "previous_unpriced",
    ]);
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    for it in &view.data {
        sheet.row([
            or_empty(&it.id),
            safe(it.name.as_deref().unwrap_or_default()),
            or_empty(&it.parent_id),
            it.amount.amount.clone(),
            view.currency_code.clone(),
            or_empty(&it.share),
            it.previous_amount.clone(),
            it.change.clone(),
            or_empty(&it.change_percent),
            it.amount.parts(),
            cell(&it.amount.unpriced),
            cell(&it.previous_unpriced),
        ]);
    }
    sheet
}

/// Categories: their share, and their change against the span before
///
/// Each without the categories below it, the largest first, compared with the span before. As JSON, CSV or a
/// chart.
#[utoipa::path(get, path = "/analytics/categories", tag = "analytics", security(("access_token" = ["transactions:read"])), params(CategoriesQuery),
    responses((status = 200, description = "The categories", content(
        (CategoriesView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn categories(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    headers: HeaderMap,
    Params(query): Params<CategoriesQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeCategoriesRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        r#type: query.kind.unwrap_or_default(),
    };
    let view = CategoriesView::from(state.analytics().analyze_categories(request).await?.into_inner());
    form.answer("categories", view, sheet, |view| {
        let none = form.language.text("chart-uncategorised").into_owned();
        let name = |it: &CategoryView| it.name.clone().unwrap_or_else(|| none.clone());
        let chart = Chart {
            language: &form.language,
            title: "chart-categories",
            about: view.span.about(&view.currency_code),
            labels: view.data.iter().map(name).collect(),
            series: vec![
                ("chart-now", view.data.iter().map(|it| it.amount.amount.clone()).collect()),
                ("chart-before", view.data.iter().map(|it| it.previous_amount.clone()).collect()),
            ],
            unpriced: currencies(
                view.data.iter().flat_map(|it| it.amount.unpriced.iter().chain(&it.previous_unpriced)),
            ),
        };
        chart.ranking()
    })
}
