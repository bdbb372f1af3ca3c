//! The rules of budgets and goals, without I/O.
//!
//! Invariants: the periods of a budget follow each other without gap or
//! overlap; amounts are compared as whole minor units, never as fractions.

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::as_conversions)
)]

pub mod alert;
pub mod budget;
pub mod contribution;
pub mod goal;
pub mod percent;
pub mod period;
pub mod projection;
pub mod rollover;
