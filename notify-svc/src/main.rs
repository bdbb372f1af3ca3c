//! notify-svc as a process of its own.

use fintrac_kit::process::Process;
use notify_svc::{Config, SCHEMA};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    let module = notify_svc::build(&config, &deps, auth.clone())?;
    process.serve(module, Some(auth)).await
}
