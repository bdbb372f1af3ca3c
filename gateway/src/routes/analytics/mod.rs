pub mod analyze_cash_flow;
pub mod analyze_categories;
pub mod analyze_income_expense;
pub mod analyze_net_worth;
pub mod analyze_spending;
pub mod analyze_spending_patterns;
pub mod chart;
mod format;
mod query;
mod scale;
pub mod sum;
mod table;
#[cfg(test)]
mod tests;
