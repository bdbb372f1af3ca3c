//! Runs budget-svc as its own process.

use kit_process::healthcheck;

fn main() -> anyhow::Result<()> {
    kit_process::block_on(async {
        if healthcheck::is_requested() {
            return healthcheck::grpc().await;
        }
        budget_svc::run().await
    })
}
