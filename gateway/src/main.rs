//! Runs the gateway as its own process.

use kit_process::healthcheck;

fn main() -> anyhow::Result<()> {
    kit_process::block_on(async {
        if healthcheck::is_requested() {
            return healthcheck::rest().await;
        }
        gateway::run().await
    })
}
