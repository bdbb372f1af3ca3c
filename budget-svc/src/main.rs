//! budget-svc as a process of its own.

use fintrac_kit::process::Process;
use budget_svc::SCHEMA;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    process.serve(budget_svc::build(&deps), Some(auth)).await
}
