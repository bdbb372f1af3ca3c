//! auth-svc as a process of its own.

use auth_svc::{Config, SCHEMA};
use fintrac_kit::process::Process;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let deps = process.deps(&SCHEMA).await?;
    let module = auth_svc::build(config, deps).await?;
    process.serve(module, None).await
}
