//! The traps that the kit exists for, each with its test, on real PostgreSQL
//! and both transports.

mod events;
mod health;
mod idempotency;
mod jobs;
mod load_balancer;
mod pool;
mod restore;
mod schema;
mod support;
mod tokens;
mod transport;
