//! ledger-svc through its in-process client, on a real database.

mod accounts;
mod budgeting;
mod categories;
mod concurrency;
mod faults;
mod guards;
mod lists;
mod once;
mod rates;
mod support;
mod transactions;
