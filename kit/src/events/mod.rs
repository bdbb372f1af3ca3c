//! The event log: outbox, audit trail and change feed in one table a service.
//!
//! [`append`] writes in the transaction of the change itself; [`EventLog`]
//! streams the log to others in an order that loses nothing; a [`Consumer`]
//! gives each event its effect exactly once.

mod bell;
mod consumer;
mod feed;
mod log;

pub use bell::{Bell, Listener};
pub use consumer::{Consumer, Handler, HandlerError};
pub use feed::EventLog;
pub use log::{NewEvent, append, append_all, drop_old, horizon_lag, is_newer, open_epoch};
