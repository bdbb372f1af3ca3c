//! What operators rely on: commands, settings, migrations, metrics, restarts and outages.

pub mod config;
pub mod demo;
pub mod emails;
pub mod jobs;
pub mod log_secrecy;
pub mod metrics;
pub mod migrations;
pub mod outages;
pub mod rate_limits;
pub mod rolling_restart;
pub mod start;
pub mod tls;
pub mod traces;
