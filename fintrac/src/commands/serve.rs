//! `fintrac` and `fintrac serve`.

use kit_core::config::Environment;
use kit_process::shutdown;
use kit_telemetry::Purpose;

use crate::system::System;

/// Serves until SIGTERM or Ctrl-C.
pub async fn run() -> anyhow::Result<()> {
    let environment = Environment::load()?;
    kit_telemetry::start(&environment, "fintrac", Purpose::Serving)?;
    let mut system = System::start(environment).await?;
    for line in system.addresses() {
        tracing::info!("{line}");
    }
    let ended = tokio::select! {
        signal = shutdown::shutdown_signal() => signal.map_err(anyhow::Error::from),
        error = system.database_ended() => Err(error),
    };
    tracing::info!("stopping");
    system.stop().await;
    tracing::info!("stopped");
    kit_telemetry::flush().await;
    ended
}
