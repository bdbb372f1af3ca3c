//! ledger-svc through its in-process client, on a real database.

mod accounts;
mod analytics;
mod budgeting;
mod bulk;
mod categories;
mod concurrency;
mod faults;
mod feeds;
mod guards;
mod history;
mod lists;
mod merging;
mod once;
mod rates;
mod recurring;
mod search;
mod splits;
mod support;
mod transactions;
mod upcoming;
