//! Integration tests of the kit crates, on real PostgreSQL and on both transports.

mod events;
mod health;
mod idempotency;
mod jobs;
mod load_balancer;
mod personal_data;
mod pool;
mod restore;
mod schema;
mod support;
mod tokens;
mod transport;
mod use_case;
