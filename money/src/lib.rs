//! What an amount of money is: the catalogue of currencies, whole minor units
//! of one of them, and the household that counts in one. Every service that says,
//! stores or compares an amount uses this one; what is done with money is the
//! business of the services.
//!
//! Invariants: no floats; every operation is checked; what a stored amount
//! means never changes, so the decimals of a currency are code and not data.

mod currency;
mod export;
mod household;
mod money;

pub use currency::Currency;
pub use export::write_decimals;
pub use household::Household;
pub use money::{Amount, AmountError, MAX_MINOR_UNITS, Money};
