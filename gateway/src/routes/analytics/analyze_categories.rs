use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::{BLUE, LIGHT_BLUE, Mark};
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
pub struct AnalyzeCategoriesQuery {
    /// The first day, included; default: the first day of the month of `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// The type of the categories: `expense` (default) or `income`.
    #[serde(rename = "type")]
    #[param(value_type = Option<enums::CategoryType>, inline)]
    kind: Option<String>,
    /// The response format: `json` (default), `csv` or `svg` (a chart).
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    format: Option<String>,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// The amounts of categories, compared with the previous span.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryAnalysis)]
pub struct CategoryAnalysisResponse {
    /// The household's currency, in which all amounts are unless stated otherwise.
    #[schema(example = "EUR")]
    currency_code: String,
    #[serde(flatten)]
    span: Span,
    /// The span with which `data` is compared.
    /// For whole months, the same number of months before; for a part of a month from its first
    /// day, the same days of the previous month; for other spans, the same number of days
    /// immediately before.
    previous_span: Span,
    /// The sum of all categories.
    total: Sum,
    /// The categories, largest first; the amounts do not include subcategories.
    data: Vec<AnalyzedCategory>,
}

/// The amount of one category.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyzedCategory {
    /// The id of the category; null: transactions without a category.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// The name of the category; null: transactions without a category.
    name: Option<String>,
    /// The id of the parent category; null: a top-level category.
    #[schema(format = Uuid)]
    parent_id: Option<String>,
    #[serde(flatten)]
    amount: Sum,
    /// The percentage of the total, one decimal; null if the total is not above zero.
    #[schema(example = "74.6")]
    share: Option<String>,
    /// The amount in `previous_span`, in the household's currency.
    #[schema(example = "140.00")]
    previous_amount: String,
    /// The amounts missing in `previous_amount` because they have no exchange rate.
    previous_unpriced: Vec<CurrencySum>,
    /// The change: `amount` minus `previous_amount`.
    #[schema(example = "-34.00")]
    change: String,
    /// The change in percent with one decimal; null if `previous_amount` is zero.
    #[schema(example = "-24.2")]
    change_percent: Option<String>,
}

impl From<pb::AnalyzeCategoriesResponse> for CategoryAnalysisResponse {
    fn from(response: pb::AnalyzeCategoriesResponse) -> Self {
        let category = |row: pb::CategoryAnalysis| AnalyzedCategory {
            id: non_empty(row.id),
            name: non_empty(row.name),
            parent_id: non_empty(row.parent_id),
            amount: row.amount.into(),
            share: non_empty(row.share),
            previous_amount: row.previous_amount,
            previous_unpriced: currency_sums(row.previous_unpriced),
            change: row.change,
            change_percent: non_empty(row.change_percent),
        };
        Self {
            currency_code: response.currency_code,
            span: response.span.unwrap_or_default().into(),
            previous_span: response.previous_span.unwrap_or_default().into(),
            total: response.total.into(),
            data: response.categories.into_iter().map(category).collect(),
        }
    }
}

impl CategoryAnalysisResponse {
    pub fn table(&self) -> Table<'_, &AnalyzedCategory> {
        Table::new("categories", &self.currency_code, &self.data, |row| Some(Label::Name(row.name.as_ref())))
            .span(&self.span)
            .column("id", |row| row.id.as_ref())
            .column("name", |row| Cell::text(row.name.as_ref()))
            .column("parent_id", |row| row.parent_id.as_ref())
            .money("amount", |row| &row.amount.amount)
            .drawn("chart-now", Mark::Bar(BLUE))
            .currency_column()
            .column("share", |row| row.share.as_ref())
            .money("previous_amount", |row| &row.previous_amount)
            .drawn("chart-before", Mark::Bar(LIGHT_BLUE))
            .money("change", |row| &row.change)
            .column("change_percent", |row| row.change_percent.as_ref())
            .column("by_currency", |row| &row.amount.by_currency)
            .unpriced("unpriced", |row| &row.amount.unpriced)
            .unpriced("previous_unpriced", |row| &row.previous_unpriced)
    }
}

/// Analyze categories
///
/// Returns the amount and share of each category and its change compared with the previous span, as
/// JSON, CSV or a chart. The largest category comes first. The amounts do not include
/// subcategories.
#[utoipa::path(get, path = "/analytics/categories", tag = "analytics", security(("access_token" = ["transactions:read"])), params(AnalyzeCategoriesQuery),
    responses((status = 200, description = "The categories", content(
        (CategoryAnalysisResponse = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn analyze_categories(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<AnalyzeCategoriesQuery>,
) -> Result<Response, Problem> {
    let options = FormatOptions::parse(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeCategoriesRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        r#type: query.kind.unwrap_or_default(),
    };
    let analysis =
        CategoryAnalysisResponse::from(state.analytics().analyze_categories(request).await?.into_inner());
    options.respond(&analysis, || analysis.table())
}
