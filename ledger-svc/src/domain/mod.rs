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

use kit_core::error::{FieldCode, FieldViolation};

/// Parses a value of a closed list, ignoring case and surrounding spaces.
pub fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// Returns `value`; adds a violation of `field` if there is none.
pub fn require<T>(
    value: Option<T>,
    field: &str,
    code: FieldCode,
    violations: &mut Vec<FieldViolation>,
) -> Option<T> {
    if value.is_none() {
        violations.push(FieldViolation::from_code(field, code));
    }
    value
}
