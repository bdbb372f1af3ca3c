//! notify-svc as a process of its own.

use fintrac_kit::probe;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if probe::is_asked() {
        return probe::grpc().await;
    }
    notify_svc::run().await
}
