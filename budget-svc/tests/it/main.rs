//! budget-svc on a real database; auth-svc and the ledger are played by the test.

mod alerts;
mod budgets;
mod category_references;
mod contributions;
mod erasure;
mod goals;
mod ledger;
mod support;
