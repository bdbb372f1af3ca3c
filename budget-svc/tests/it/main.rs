//! Tests of budget-svc on a real database with a fake auth-svc and ledger.

mod alerts;
mod budgets;
mod category_references;
mod contributions;
mod erasure;
mod goals;
mod ledger;
mod personal_data;
mod support;
