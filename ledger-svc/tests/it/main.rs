//! Tests ledger-svc through its in-process client, on a real database.

mod accounts;
mod analytics;
mod balance_history;
mod bulk;
mod categories;
mod category_merge;
mod concurrency;
mod database_constraints;
mod fault_injection;
mod idempotency;
mod lists;
mod personal_data;
mod rate_providers;
mod rates;
mod recurring;
mod search;
mod spending;
mod splits;
mod support;
mod transactions;
mod upcoming_spending;
