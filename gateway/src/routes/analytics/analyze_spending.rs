use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::{BLUE, Mark};
use super::format::FormatOptions;
use super::sum::{Span, Sum, non_empty};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::openapi::{ReadProblems, enums};
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeSpendingQuery {
    /// The first day, included; default: the first day of the month of `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// The grouping: `category` (default), `day`, `week`, `month` or `account`.
    #[param(value_type = Option<enums::Grouping>, inline)]
    group_by: Option<String>,
    /// The response format: `json` (default), `csv` or `svg` (a chart).
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// The expenses minus refunds of a span.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spending)]
pub struct SpendingResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: Span,
    /// The spending in the whole span.
    total: Sum,
    /// The groups: categories and accounts largest first, intervals oldest first.
    data: Vec<SpendingGroup>,
}

/// The spending on one category, from one account or in one interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpendingGroup {
    /// The id of the category or account.
    /// Null for transactions without a category, and for an interval.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// The name of the category or account.
    /// Null for transactions without a category, and for an interval.
    name: Option<String>,
    /// The days of the interval; null for a category or account.
    span: Option<Span>,
    #[serde(flatten)]
    spent: Sum,
    /// The percentage of the total, one decimal; null if the total is not above zero.
    #[schema(example = "74.6")]
    share: Option<String>,
}

impl From<pb::AnalyzeSpendingResponse> for SpendingResponse {
    fn from(response: pb::AnalyzeSpendingResponse) -> Self {
        let group = |row: pb::SpendingGroup| SpendingGroup {
            id: non_empty(row.id),
            name: non_empty(row.name),
            span: row.span.map(Into::into),
            spent: row.spent.into(),
            share: non_empty(row.share),
        };
        Self {
            currency_code: response.currency_code,
            span: response.span.unwrap_or_default().into(),
            total: response.total.into(),
            data: response.groups.into_iter().map(group).collect(),
        }
    }
}

impl SpendingResponse {
    pub fn table(&self, group_by: Option<&String>) -> Table<'_, &SpendingGroup> {
        Table::new("spending", &self.currency_code, &self.data, |row| match &row.span {
            Some(span) => Some(Label::interval(&span.from, group_by)),
            None => Some(Label::Name(row.name.as_ref())),
        })
        .span(&self.span)
        .column("id", |row| row.id.as_ref())
        .column("name", |row| Cell::text(row.name.as_ref()))
        .column("from", |row| row.span.as_ref().map(|span| &span.from))
        .column("to", |row| row.span.as_ref().map(|span| &span.to))
        .money("amount", |row| &row.spent.amount)
        .drawn("chart-expense", Mark::Bar(BLUE))
        .currency_column()
        .column("share", |row| row.share.as_ref())
        .column("by_currency", |row| &row.spent.by_currency)
        .unpriced("unpriced", |row| &row.spent.unpriced)
    }
}

/// Analyze spending
///
/// Returns expenses minus refunds as JSON, CSV or a chart, by currency and in the household's
/// currency at the exchange rate of each day.
#[utoipa::path(get, path = "/analytics/spending", tag = "analytics", security(("access_token" = ["transactions:read"])), params(AnalyzeSpendingQuery),
    responses((status = 200, description = "The spending", content(
        (SpendingResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_spending(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeSpendingQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeSpendingRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        group_by: query.group_by.clone().unwrap_or_default(),
    };
    let analysis = SpendingResponse::from(state.analytics().analyze_spending(request).await?.into_inner());
    options.respond(&analysis, || analysis.table(query.group_by.as_ref()))
}
