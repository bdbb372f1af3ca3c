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
use crate::routes::transactions::view::TransactionView;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PatternsQuery {
    /// First day; default: of the last day's month.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<words::ChartForm>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// Habits of spending.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendingPatterns)]
pub struct PatternsView {
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: SpanView,
    /// From Monday on.
    weekdays: Vec<WeekdayView>,
    /// The five largest expenses.
    largest: Vec<TransactionView>,
    /// Categories at half of the usual or less, or at one and a half of it or more.
    unusual: Vec<UnusualView>,
}

/// What such a day costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WeekdayPattern)]
pub struct WeekdayView {
    /// 1 is Monday.
    #[schema(example = 1)]
    weekday: i32,
    average: SumView,
}

/// A category whose spending is far from the usual.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnusualCategory)]
pub struct UnusualView {
    /// Null: without a category.
    #[schema(format = Uuid)]
    id: Option<String>,
    name: Option<String>,
    amount: SumView,
    /// The average of the three spans before: whole months, the same days of the months before, or
    /// as many days.
    #[schema(example = "30.00")]
    usual: String,
    /// What of these had no rate for its day.
    usual_unpriced: Vec<CurrencySumView>,
    #[schema(example = "1020.0")]
    change_percent: String,
}

impl From<pb::AnalyzePatternsResponse> for PatternsView {
    fn from(it: pb::AnalyzePatternsResponse) -> Self {
        let weekday =
            |it: pb::WeekdayPattern| WeekdayView { weekday: it.weekday, average: it.average.into() };
        let unusual = |it: pb::UnusualCategory| UnusualView {
            id: said(it.id),
            name: said(it.name),
            amount: it.amount.into(),
            usual: it.usual,
            usual_unpriced: currency_sums(it.usual_unpriced),
            change_percent: it.change_percent,
        };
        Self {
            currency_code: it.currency_code,
            span: it.span.unwrap_or_default().into(),
            weekdays: it.weekdays.into_iter().map(weekday).collect(),
            largest: it.largest.into_iter().map(Into::into).collect(),
            unusual: it.unusual.into_iter().map(unusual).collect(),
        }
    }
}

/// One table of all three: what it is, and its amount.
fn sheet(view: &PatternsView) -> Sheet {
    let columns = [
        "pattern",
        "id",
        "name",
        "date",
        "amount",
        "currency_code",
        "by_currency",
        "usual",
        "change_percent",
        "unpriced",
    ];
    let mut sheet = Sheet::new(&columns);
    let none = String::new;
    for WeekdayView { weekday, average } in &view.weekdays {
        let (id, amount, code) = (weekday.to_string(), average.amount.clone(), view.currency_code.clone());
        let name = "weekday".to_owned();
        let unpriced = cell(&average.unpriced);
        sheet.row([name, id, none(), none(), amount, code, average.parts(), none(), none(), unpriced]);
    }
    for it in &view.largest {
        let (id, name, date, amount, code) = it.in_short();
        let pattern = "largest".to_owned();
        sheet.row([pattern, id, safe(&name), date, amount, code, none(), none(), none(), none()]);
    }
    for it in &view.unusual {
        sheet.row([
            "unusual".to_owned(),
            it.id.clone().unwrap_or_default(),
            safe(it.name.as_deref().unwrap_or_default()),
            none(),
            it.amount.amount.clone(),
            view.currency_code.clone(),
            it.amount.parts(),
            it.usual.clone(),
            it.change_percent.clone(),
            cell(&it.amount.unpriced),
        ]);
    }
    sheet
}

/// Habits: by weekday, the largest, the unusual
///
/// What a Monday costs and so on, the five largest expenses, and categories far from the average of the three
/// spans before. As JSON, CSV or a chart.
#[utoipa::path(get, path = "/analytics/patterns", tag = "analytics", security(("access_token" = ["transactions:read"])), params(PatternsQuery),
    responses((status = 200, description = "The patterns; the chart shows the weekdays", content(
        (PatternsView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn patterns(
    State(state): State<AppState>,
    _user: Permitted<permission::TransactionsRead>,
    headers: HeaderMap,
    Params(query): Params<PatternsQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request =
        pb::AnalyzePatternsRequest { from: query.from.unwrap_or_default(), to: query.to.unwrap_or_default() };
    let view = PatternsView::from(state.analytics().analyze_patterns(request).await?.into_inner());
    form.answer("patterns", view, sheet, |view| {
        let day =
            |it: &WeekdayView| form.language.text(&format!("chart-weekday-{}", it.weekday)).into_owned();
        let chart = Chart {
            language: &form.language,
            title: "chart-patterns",
            about: view.span.about(&view.currency_code),
            labels: view.weekdays.iter().map(day).collect(),
            series: vec![(
                "chart-expense",
                view.weekdays.iter().map(|it| it.average.amount.clone()).collect(),
            )],
            unpriced: currencies(view.weekdays.iter().flat_map(|it| &it.average.unpriced)),
        };
        chart.bars()
    })
}
