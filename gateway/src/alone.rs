//! The gateway as a process of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use fintrac_kit::access::follow;
use fintrac_kit::process::{self, Process};
use fintrac_kit::serve::{self, Stop};
use fintrac_kit::telemetry;
use tokio::net::TcpListener;

use crate::{AppState, Config, Parts};

/// Serves until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start("gateway")?;
    let config = Config::from_environment(&process.environment);
    let parts = Parts {
        auth: process.peer("auth")?,
        ledger: process.peer("ledger")?,
        budget: process.peer("budget")?,
        notify: process.peer("notify")?,
    };
    let address = process::rest_address(&process.environment);
    let drain = process::drain(&process.environment);
    process.environment.check()?;
    process::warn_of_risks(&process.environment);
    let address: SocketAddr =
        tokio::net::lookup_host(&address).await?.next().context("SERVER_HOST has no address")?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("SERVER_HOST and SERVER_PORT {address}"))?;
    let stop = Stop::default();
    stop.spawn(follow(Arc::clone(&process.trust), parts.auth.clone(), stop.workers.clone()));
    let state = AppState::new(config, process.trust, process.clock, process.random, parts, &stop);
    let serving = crate::serve(listener, state, &stop).await.context("SERVER_TLS_CERT and SERVER_TLS_KEY")?;
    tracing::info!(%address, "ready: REST");
    serve::signal().await?;
    stop.run(drain, vec![serving]).await;
    telemetry::flush().await;
    Ok(())
}
