//! ledger-svc as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    ledger_svc::run().await
}
