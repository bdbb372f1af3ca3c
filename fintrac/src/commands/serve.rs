//! `fintrac` and `fintrac serve`.

use fintrac_kit::config::Environment;
use fintrac_kit::telemetry::Purpose;
use fintrac_kit::{serve, telemetry};

use crate::suite::Suite;

/// Serves until SIGTERM or Ctrl-C.
pub async fn run() -> anyhow::Result<()> {
    let environment = Environment::load()?;
    telemetry::start(&environment, "fintrac", Purpose::Serving)?;
    let mut suite = Suite::start(environment).await?;
    for line in suite.addresses() {
        tracing::info!("{line}");
    }
    let ended = tokio::select! {
        signal = serve::signal() => signal.map_err(anyhow::Error::from),
        error = suite.database_ended() => Err(error),
    };
    tracing::info!("stopping");
    suite.stop().await;
    tracing::info!("stopped");
    telemetry::flush().await;
    ended
}
