mod analyze_cash_flow;
mod analyze_categories;
mod analyze_income_expense;
mod analyze_net_worth;
mod analyze_spending;
mod analyze_spending_patterns;
pub mod chart;
mod format;
mod scale;
mod table;
#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;

use crate::openapi::operation::routes;
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(analyze_spending::analyze_spending))
        .routes(routes!(analyze_income_expense::analyze_income_expense))
        .routes(routes!(analyze_categories::analyze_categories))
        .routes(routes!(analyze_cash_flow::analyze_cash_flow))
        .routes(routes!(analyze_net_worth::analyze_net_worth))
        .routes(routes!(analyze_spending_patterns::analyze_spending_patterns))
}
