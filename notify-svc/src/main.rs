//! notify-svc as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    notify_svc::run().await
}
