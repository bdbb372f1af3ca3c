//! Logs and metrics of a process. No secret, token, amount or mail body is
//! ever given to either.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::EnvFilter;

use crate::config::{Environment, Stage};

/// Starts logging and, with `METRICS_LISTEN`, the Prometheus endpoint on that address.
///
/// `LOG_LEVEL`: DEBUG, INFO, WARNING, ERROR, CRITICAL, or a tracing filter.
/// `LOG_FORMAT`: `text` (default in development) or `json`.
pub fn start(environment: &Environment) -> anyhow::Result<()> {
    let level = environment.text("LOG_LEVEL", "info").to_ascii_lowercase();
    let level = match level.as_str() {
        "warning" => "warn",
        "critical" => "error",
        other => other,
    };
    let quiet = "sqlx=warn,h2=warn,hyper=warn,tower=warn,rustls=warn";
    let filter = EnvFilter::try_new(format!("{level},{quiet}"))?;
    let text = match environment.get("LOG_FORMAT") {
        Some("text") => true,
        Some("json") => false,
        Some(_) => anyhow::bail!("LOG_FORMAT: must be text or json"),
        None => environment.stage() == Stage::Development,
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if text {
        let plain = !std::io::IsTerminal::is_terminal(&std::io::stderr());
        subscriber.with_target(false).with_ansi(!plain).init();
    } else {
        subscriber.json().flatten_event(true).init();
    }
    if let Some(address) = environment.parse_optional::<SocketAddr>("METRICS_LISTEN") {
        PrometheusBuilder::new().with_http_listener(address).install()?;
        tracing::info!(%address, "metrics");
    }
    Ok(())
}
