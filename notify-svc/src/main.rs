//! notify-svc as a process of its own.

use fintrac_kit::{probe, process};

fn main() -> anyhow::Result<()> {
    process::block_on(async {
        if probe::is_asked() {
            return probe::grpc().await;
        }
        notify_svc::run().await
    })
}
