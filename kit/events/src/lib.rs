//! Appends, streams and consumes events: outbox, audit log and change log in one.
//!
//! [`append`] writes in the transaction of the change itself. [`EventLog`] streams the log to other
//! services in an order that loses no event. A [`Consumer`] applies each event exactly once.

#![warn(missing_docs)]

mod consumer;
mod handler;
mod log;
mod subscription;

pub use consumer::Consumer;
pub use handler::{Handler, HandlerError, NoHandler};
pub use log::{
    NewEvent, append, append_all, drop_expired_partitions, horizon_lag_seconds, open_epoch,
    record_version_if_newer,
};
pub use subscription::EventLog;
