//! `fintrac` and `fintrac serve`.

use fintrac_kit::config::Environment;
use fintrac_kit::telemetry::Purpose;
use fintrac_kit::{serve, telemetry};

use crate::system::System;

/// Serves until SIGTERM or Ctrl-C.
pub async fn run() -> anyhow::Result<()> {
    let environment = Environment::load()?;
    telemetry::start(&environment, "fintrac", Purpose::Serving)?;
    let mut system = System::start(environment).await?;
    for line in system.addresses() {
        tracing::info!("{line}");
    }
    let ended = tokio::select! {
        signal = serve::shutdown_signal() => signal.map_err(anyhow::Error::from),
        error = system.database_ended() => Err(error),
    };
    tracing::info!("stopping");
    system.stop().await;
    tracing::info!("stopped");
    telemetry::flush().await;
    ended
}
