//! auth-svc as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    auth_svc::run().await
}
