//! The gateway as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    gateway::run().await
}
