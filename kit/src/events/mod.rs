//! The event log: outbox, audit log and change feed in one table a service.
//!
//! [`append`] writes in the transaction of the change itself; [`EventLog`]
//! streams the log to others in an order that loses nothing; a [`Consumer`]
//! gives each event its effect exactly once.

mod consumer;
mod log;
mod subscription;
mod wake_signal;

pub use consumer::{Consumer, Handler, HandlerError};
pub use log::{
    NewEvent, append, append_all, drop_expired_partitions, horizon_lag_seconds, open_epoch,
    record_version_if_newer,
};
pub use subscription::EventLog;
pub use wake_signal::{WakeSignal, WakeSubscription};
