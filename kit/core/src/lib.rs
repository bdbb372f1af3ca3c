//! Defines the values and errors that all services and the gateway share.
//!
//! Nothing in this crate accesses a database or a network.

#![warn(missing_docs)]

pub mod clock;
pub mod config;
pub mod context;
pub mod date;
pub mod error;
pub mod field_mask;
pub mod headers;
pub mod key_derivation;
pub mod keyring;
pub mod pagination;
pub mod random;
pub mod text;
pub mod wake_signal;
