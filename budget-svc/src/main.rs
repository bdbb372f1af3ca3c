//! budget-svc as a process of its own.

use budget_svc::SCHEMA;
use fintrac_kit::process::Process;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(budget_svc::build(&deps), Some(auth)).await
}
