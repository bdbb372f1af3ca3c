//! The rules of the ledger, without I/O: no SQL, no gRPC and no clock.
//!
//! Invariants: an amount is an integer number of minor units, computed with
//! checked operations only; the postings that `posting` plans sum to zero per
//! currency.

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::as_conversions)
)]

pub mod account;
pub mod category;
pub mod changes;
pub mod details;
pub mod interval;
pub mod posting;
pub mod rate;
pub mod recurring;
pub mod schedule;
pub mod search;
pub mod transaction;

use std::str::FromStr;

/// Parses a value of a closed list, ignoring case and surrounding spaces.
pub fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}
