//! budget-svc as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    budget_svc::run().await
}
