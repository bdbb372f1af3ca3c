//! One file a call: body types, handler and its OpenAPI annotation.

pub mod auth;
pub mod docs;
pub mod health;
pub mod jwks;
pub mod pages;
pub mod users;
