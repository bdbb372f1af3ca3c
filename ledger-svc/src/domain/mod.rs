//! The rules of money, without I/O: nothing here knows SQL, gRPC or time.
//!
//! Invariants: an amount is a whole number of minor units, computed with
//! checked operations only; what `posting` plans sums to zero per currency.

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::as_conversions)
)]

pub mod account;
pub mod category;
pub mod interval;
pub mod posting;
pub mod rate;
pub mod recurring;
pub mod schedule;
pub mod search;
pub mod transaction;
