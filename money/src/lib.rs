//! Amounts of money: currencies, checked amounts, and the household.
//!
//! Every service that prints, stores or compares amounts uses this crate. The services decide what
//! happens with money.
//!
//! Invariants: no floats; every operation is checked; the meaning of a stored amount never changes,
//! so the decimals of a currency are code and not data.

#![warn(missing_docs)]

mod currency;
mod export;
mod household;
mod money;

pub use currency::Currency;
pub use export::write_decimals;
pub use household::Household;
pub use money::{Amount, AmountError, MAX_MINOR_UNITS, Money};
