//! Runs the gateway as its own process.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use kit_process::Process;
use kit_process::shutdown::{self, Shutdown};
use kit_process::trust_subscription::run_trust_subscription;
use tokio::net::TcpListener;

use crate::{AppState, Config, Services};

/// Serves REST until a shutdown signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start("gateway")?;
    let config = Config::from_environment(&process.environment);
    let services = Services {
        auth: process.peer("auth")?,
        ledger: process.peer("ledger")?,
        budget: process.peer("budget")?,
        notify: process.peer("notify")?,
    };
    let address = kit_process::rest_address(&process.environment);
    let shutdown_timeouts = kit_process::shutdown_timeouts(&process.environment);
    process.environment.check()?;
    kit_process::log_warnings(&process.environment);
    let address: SocketAddr =
        tokio::net::lookup_host(&address).await?.next().context("SERVER_HOST has no address")?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("SERVER_HOST and SERVER_PORT {address}"))?;
    let shutdown = Shutdown::default();
    shutdown.spawn(run_trust_subscription(
        Arc::clone(&process.token_verifier),
        services.auth.clone(),
        shutdown.workers.clone(),
    ));
    let state =
        AppState::new(config, process.token_verifier, process.clock, process.random, services, &shutdown);
    let serving =
        crate::serve(listener, state, &shutdown).await.context("SERVER_TLS_CERT and SERVER_TLS_KEY")?;
    tracing::info!(%address, "ready: REST");
    shutdown::shutdown_signal().await?;
    shutdown.run(shutdown_timeouts, vec![serving]).await;
    kit_telemetry::flush().await;
    Ok(())
}
