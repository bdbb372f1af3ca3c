//! Runs notify-svc as its own process.

use fintrac_kit::{healthcheck, process};

fn main() -> anyhow::Result<()> {
    process::block_on(async {
        if healthcheck::is_requested() {
            return healthcheck::grpc().await;
        }
        notify_svc::run().await
    })
}
