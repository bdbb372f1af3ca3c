pub mod cash_flow;
pub mod categories;
pub mod chart;
pub mod form;
pub mod income_expense;
pub mod net_worth;
pub mod patterns;
pub mod spending;
mod sum_view;
