//! Runs the gateway as its own process.

use fintrac_kit::{healthcheck, process};

fn main() -> anyhow::Result<()> {
    process::block_on(async {
        if healthcheck::is_requested() {
            return healthcheck::rest().await;
        }
        gateway::run().await
    })
}
