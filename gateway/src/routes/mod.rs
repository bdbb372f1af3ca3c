//! The handlers of the REST API, one file per operation.
//!
//! Each file has the request and response types, the handler and its OpenAPI annotation.

#![expect(unused_qualifications, reason = "utoipa generates parameter types qualified with their traits")]

pub mod accounts;
pub mod admin;
pub mod analytics;
pub mod auth;
pub mod budgets;
pub mod categories;
pub mod csv;
pub mod currencies;
pub mod docs;
pub mod events;
pub mod exchange_rates;
pub mod goals;
pub mod health;
pub mod http;
pub mod jwks;
pub mod notifications;
pub mod pages;
pub mod recurring;
pub mod reports;
pub mod transactions;
pub mod users;
