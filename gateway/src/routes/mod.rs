//! The handlers of the REST API, by resource.
//!
//! Each resource has a `router`. Extractors and response types document the operations.

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
pub mod goals;
pub mod health;
pub mod jwks;
pub mod notifications;
pub mod pages;
pub mod recurring;
pub mod reports;
pub mod transactions;
pub mod users;
