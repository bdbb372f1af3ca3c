use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::{BLUE, Mark};
use super::format::FormatOptions;
use super::sum::{CurrencySum, Span, Sum, currency_sums, non_empty};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeSpendingPatternsQuery {
    /// The first day, included; default: the first day of the month of `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// The response format: `json` (default), `csv` or `svg` (a chart).
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// The spending patterns of a span.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendingPatterns)]
pub struct SpendingPatternsResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: Span,
    /// The average spending per weekday, starting with Monday.
    weekdays: Vec<WeekdayPattern>,
    /// The five largest expenses.
    largest: Vec<pb::Transaction>,
    /// The categories whose spending is at most 50% or at least 150% of `usual`.
    unusual: Vec<UnusualCategory>,
}

/// The average spending on a weekday.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeekdayPattern {
    /// The weekday: 1 is Monday, 7 is Sunday.
    #[schema(example = 1)]
    weekday: i32,
    /// The average spending on this weekday.
    average: Sum,
}

/// A category whose spending differs strongly from the usual.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnusualCategory {
    /// The id of the category; null: transactions without a category.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// The name of the category; null: transactions without a category.
    name: Option<String>,
    /// The spending in the span.
    amount: Sum,
    /// The average of the three previous spans, in the household's currency.
    /// For whole months, each has the same number of months; for a part of a month from its first
    /// day, the same days of its month; for other spans, the same number of days.
    #[schema(example = "30.00")]
    usual: String,
    /// The amounts missing in `usual` because they have no exchange rate.
    usual_unpriced: Vec<CurrencySum>,
    /// The difference from `usual` in percent with one decimal.
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
            largest: response.largest,
            unusual: response.unusual.into_iter().map(unusual).collect(),
        }
    }
}

impl SpendingPatternsResponse {
    /// Returns one table of all patterns; the column `pattern` names the kind.
    pub fn table(&self) -> Table<'_, (Option<Label<'_>>, [Cell<'_>; 10])> {
        use Cell::{Empty, Money, Number, Plain, Sums, Text, Unpriced};
        let code = Plain(&self.currency_code);
        let weekdays = self.weekdays.iter().map(|WeekdayPattern { weekday, average: sum }| {
            let (pattern, id, by_currency) = (Plain("weekday"), Number(*weekday), Sums(&sum.by_currency));
            let (amount, unpriced) = (Money(&sum.amount), Unpriced(&sum.unpriced));
            let cells = [pattern, id, Empty, Empty, amount, code, by_currency, Empty, Empty, unpriced];
            (Some(Label::Weekday(*weekday)), cells)
        });
        let largest = self.largest.iter().map(|transaction| {
            let name = Text(transaction.description.as_deref().unwrap_or_default());
            let (id, date) = (Plain(&transaction.id), Plain(&transaction.transaction_date));
            let (amount, code) = (Plain(&transaction.amount), Plain(&transaction.currency_code));
            (None, [Plain("largest"), id, name, date, amount, code, Empty, Empty, Empty, Empty])
        });
        let unusual = self.unusual.iter().map(|row| {
            let (id, name) = (Cell::from(row.id.as_ref()), Cell::text(row.name.as_ref()));
            let (amount, by_currency) = (Money(&row.amount.amount), Sums(&row.amount.by_currency));
            let (usual, change) = (Money(&row.usual), Plain(&row.change_percent));
            let unpriced = Unpriced(&row.amount.unpriced);
            let cells =
                [Plain("unusual"), id, name, Empty, amount, code, by_currency, usual, change, unpriced];
            (None, cells)
        });
        Table::new("patterns", &self.currency_code, weekdays.chain(largest).chain(unusual), |(label, _)| {
            label
        })
        .span(&self.span)
        .column("pattern", |(_, cells)| cells[0])
        .column("id", |(_, cells)| cells[1])
        .column("name", |(_, cells)| cells[2])
        .column("date", |(_, cells)| cells[3])
        .column("amount", |(_, cells)| cells[4])
        .drawn("chart-expense", Mark::Bar(BLUE))
        .column("currency_code", |(_, cells)| cells[5])
        .column("by_currency", |(_, cells)| cells[6])
        .column("usual", |(_, cells)| cells[7])
        .column("change_percent", |(_, cells)| cells[8])
        .column("unpriced", |(_, cells)| cells[9])
    }
}

/// Analyze spending patterns
///
/// Returns the average spending per weekday, the five largest expenses, and the categories whose
/// spending differs strongly from the average of the three previous spans, as JSON, CSV or a chart.
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
    options.respond(&analysis, || analysis.table())
}
