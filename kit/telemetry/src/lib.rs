//! Records the logs, metrics and traces of a process.
//!
//! None of them ever contains a secret, token, amount or email body.

#![warn(missing_docs)]

mod statements;
mod traces;

use std::net::SocketAddr;

use kit_core::config::{DeploymentEnvironment, Environment};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub use traces::{Collector, flush, inject, set_parent};

/// Returns the log level as a tracing filter.
/// An unknown word is recorded as a problem, because as a filter it would silence all logs.
pub fn level(environment: &Environment) -> String {
    let level = environment.text("LOG_LEVEL", "info").to_ascii_lowercase();
    let level = match level.as_str() {
        "warning" => "warn",
        "critical" => "error",
        other => other,
    };
    let is_level = ["trace", "debug", "info", "warn", "error", "off"].contains(&level);
    if !is_level && !level.contains('=') {
        environment.add_problem("LOG_LEVEL: must be DEBUG, INFO, WARNING, ERROR or CRITICAL".into());
        return "info".to_owned();
    }
    level.to_owned()
}

/// The purpose of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Serves requests, with metrics and traces.
    Serving,
    /// Runs one command, without metrics and traces.
    /// The system may be serving in other processes meanwhile.
    Command,
}

/// Starts logging and, in a serving process, metrics and traces.
///
/// `METRICS_LISTEN` is the address of the Prometheus endpoint. `OTEL_EXPORTER_OTLP_ENDPOINT`
/// enables traces in the name of `service`. `LOG_LEVEL` is DEBUG, INFO, WARNING, ERROR, CRITICAL,
/// or a tracing filter. `LOG_FORMAT` is `text` (default in development) or `json`.
pub fn start(environment: &Environment, service: &str, purpose: Purpose) -> anyhow::Result<()> {
    let level = level(environment);
    let quiet = "sqlx=warn,h2=warn,hyper=warn,tower=warn,rustls=warn";
    let filter = EnvFilter::try_new(format!("{level},{quiet}"))?;
    let text = match environment.get("LOG_FORMAT") {
        Some("text") => true,
        Some("json") => false,
        Some(_) => anyhow::bail!("LOG_FORMAT: must be text or json"),
        None => environment.deployment_environment() == DeploymentEnvironment::Development,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if text {
        let plain = !std::io::IsTerminal::is_terminal(&std::io::stderr());
        lines.with_target(false).with_ansi(!plain).boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    let serves = purpose == Purpose::Serving;
    let collector = Collector::from_environment(environment).filter(|_| serves);
    let traces = match collector {
        Some(collector) => {
            let tracer = traces::tracer(collector, service)?;
            // Traces contain statements, but not their values.
            let filter = EnvFilter::try_new(format!("info,sqlx=debug,{}", quiet.replace("sqlx=warn,", "")))?;
            Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter))
        }
        None => None,
    };
    let metrics = environment.parse_optional::<SocketAddr>("METRICS_LISTEN").filter(|_| serves);
    let statements = metrics.map(|_| statements::layer());
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces).with(statements).init();
    if let Some(address) = metrics {
        PrometheusBuilder::new().with_http_listener(address).install()?;
        // The counter exists from the start, so that its first increment is visible.
        metrics::counter!("fintrac_panics_total").absolute(0);
        tracing::info!(%address, "serving metrics");
    }
    Ok(())
}
