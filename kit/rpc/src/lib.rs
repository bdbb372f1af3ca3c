//! Serves and sends calls, across the network or in the same process.
//!
//! [`server`] wraps the RPCs of a service in its middleware; [`transport`] is what generated clients
//! send their calls through.

#![warn(missing_docs)]

pub mod connection_limit;
pub mod server;
pub mod tls;
pub mod transport;
