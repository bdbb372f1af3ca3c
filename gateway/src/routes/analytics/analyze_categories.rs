use axum::extract::State;
use fintrac_proto::ledger::v1 as pb;

use super::chart::{BLUE, LIGHT_BLUE, Mark};
use super::format::{Analysis, AnalysisQuery, AnalysisResponse};
use super::table::{Cell, Label, Table};
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::problem::Problem;
use crate::state::AppState;

impl Analysis for pb::AnalyzeCategoriesResponse {
    const DESCRIPTION: &'static str = "The categories";

    fn table(&self, _interval: &str) -> Table<'_, impl Copy> {
        Table::new("categories", &self.currency_code, &self.categories, |row| Some(Label::Name(&row.name)))
            .span(self.span.as_ref())
            .column("id", |row| &row.id)
            .column("name", |row| Cell::Text(&row.name))
            .column("parent_id", |row| &row.parent_id)
            .column("amount", |row| Cell::amount(row.amount.as_ref()))
            .drawn("chart-now", Mark::Bar(BLUE))
            .currency_column()
            .column("share", |row| &row.share)
            .column("previous_amount", |row| Cell::Money(&row.previous_amount))
            .drawn("chart-before", Mark::Bar(LIGHT_BLUE))
            .column("change", |row| Cell::Money(&row.change))
            .column("change_percent", |row| &row.change_percent)
            .column("by_currency", |row| Cell::by_currency(row.amount.as_ref()))
            .column("unpriced", |row| Cell::unpriced(row.amount.as_ref()))
            .column("previous_unpriced", |row| Cell::Unpriced(&row.previous_unpriced))
    }
}

/// Analyze categories
///
/// Returns the amount and share of each category and its change compared with the previous span, as
/// JSON, CSV or a chart. The largest category comes first. The amounts do not include
/// subcategories.
#[utoipa::path(get, path = "/analytics/categories", tag = "analytics")]
pub async fn analyze_categories(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<AnalysisQuery<pb::AnalyzeCategoriesRequest>>,
) -> Result<AnalysisResponse<pb::AnalyzeCategoriesResponse>, Problem> {
    let AnalysisQuery { request, format, bom } = query;
    let analysis = state.analytics().analyze_categories(request).await?.into_inner();
    Ok(AnalysisResponse { analysis, interval: String::new(), format, bom, language })
}
