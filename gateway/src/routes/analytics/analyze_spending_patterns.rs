use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::format::FormatOptions;
use super::sum::{CurrencySum, Span, Sum, csv_cell, currencies, currency_sums, non_empty};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::routes::csv::{CsvWriter, escape_formula};
use crate::routes::transactions::response::TransactionResponse;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeSpendingPatternsQuery {
    /// First day; default: of the last day's month.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// Habits of spending.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendingPatterns)]
pub struct SpendingPatternsResponse {
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: Span,
    /// From Monday on.
    weekdays: Vec<WeekdayPattern>,
    /// The five largest expenses.
    largest: Vec<TransactionResponse>,
    /// Categories at half of the usual or less, or at one and a half of it or more.
    unusual: Vec<UnusualCategory>,
}

/// What such a day costs.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeekdayPattern {
    /// 1 is Monday.
    #[schema(example = 1)]
    weekday: i32,
    average: Sum,
}

/// A category whose spending is far from the usual.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnusualCategory {
    /// Null: without a category.
    #[schema(format = Uuid)]
    id: Option<String>,
    name: Option<String>,
    amount: Sum,
    /// The average of the three spans before: whole months, the same days of the months before, or
    /// as many days.
    #[schema(example = "30.00")]
    usual: String,
    /// What of these had no rate for its day.
    usual_unpriced: Vec<CurrencySum>,
    #[schema(example = "1020.0")]
    change_percent: String,
}

impl From<pb::AnalyzePatternsResponse> for SpendingPatternsResponse {
    fn from(response: pb::AnalyzePatternsResponse) -> Self {
        let weekday =
            |row: pb::WeekdayPattern| WeekdayPattern { weekday: row.weekday, average: row.average.into() };
        let unusual = |row: pb::UnusualCategory| UnusualCategory {
            id: non_empty(row.id),
            name: non_empty(row.name),
            amount: row.amount.into(),
            usual: row.usual,
            usual_unpriced: currency_sums(row.usual_unpriced),
            change_percent: row.change_percent,
        };
        Self {
            currency_code: response.currency_code,
            span: response.span.unwrap_or_default().into(),
            weekdays: response.weekdays.into_iter().map(weekday).collect(),
            largest: response.largest.into_iter().map(Into::into).collect(),
            unusual: response.unusual.into_iter().map(unusual).collect(),
        }
    }
}

/// One table of all three: what it is, and its amount.
fn to_csv(analysis: &SpendingPatternsResponse) -> CsvWriter {
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
    let mut csv = CsvWriter::new(&columns);
    let none = String::new;
    for WeekdayPattern { weekday, average } in &analysis.weekdays {
        let (id, amount, code) =
            (weekday.to_string(), average.amount.clone(), analysis.currency_code.clone());
        let name = "weekday".to_owned();
        let unpriced = csv_cell(&average.unpriced);
        csv.write_row([
            name,
            id,
            none(),
            none(),
            amount,
            code,
            average.by_currency_cell(),
            none(),
            none(),
            unpriced,
        ]);
    }
    for row in &analysis.largest {
        let (id, name, date, amount, code) = row.csv_summary();
        let pattern = "largest".to_owned();
        csv.write_row([
            pattern,
            id,
            escape_formula(&name),
            date,
            amount,
            code,
            none(),
            none(),
            none(),
            none(),
        ]);
    }
    for row in &analysis.unusual {
        csv.write_row([
            "unusual".to_owned(),
            row.id.clone().unwrap_or_default(),
            escape_formula(row.name.as_deref().unwrap_or_default()),
            none(),
            row.amount.amount.clone(),
            analysis.currency_code.clone(),
            row.amount.by_currency_cell(),
            row.usual.clone(),
            row.change_percent.clone(),
            csv_cell(&row.amount.unpriced),
        ]);
    }
    csv
}

/// Habits: by weekday, the largest, the unusual
///
/// What a Monday costs and so on, the five largest expenses, and categories far from the average of the three
/// spans before. As JSON, CSV or a chart.
#[utoipa::path(get, path = "/analytics/patterns", tag = "analytics", security(("access_token" = ["transactions:read"])), params(AnalyzeSpendingPatternsQuery),
    responses((status = 200, description = "The patterns; the chart shows the weekdays", content(
        (SpendingPatternsResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_spending_patterns(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeSpendingPatternsQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request =
        pb::AnalyzePatternsRequest { from: query.from.unwrap_or_default(), to: query.to.unwrap_or_default() };
    let analysis =
        SpendingPatternsResponse::from(state.analytics().analyze_patterns(request).await?.into_inner());
    options.respond("patterns", analysis, to_csv, |analysis| {
        let day = |row: &WeekdayPattern| {
            options.language.text(&format!("chart-weekday-{}", row.weekday)).into_owned()
        };
        let chart = Chart {
            language: &options.language,
            title: "chart-patterns",
            title_suffix: analysis.span.title_suffix(&analysis.currency_code),
            labels: analysis.weekdays.iter().map(day).collect(),
            series: vec![(
                "chart-expense",
                analysis.weekdays.iter().map(|row| row.average.amount.clone()).collect(),
            )],
            unpriced: currencies(analysis.weekdays.iter().flat_map(|row| &row.average.unpriced)),
        };
        chart.bars()
    })
}
