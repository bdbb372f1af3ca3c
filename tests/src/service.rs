//! Runs one service, or the whole system, in a process.
//!
//! It calls the same `run` as the services' own executables. (Tests find only executables of
//! their own package.)

use anyhow::bail;
use fintrac::commands;
use fintrac::commands::migrate::Migration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    kit_process::block_on(run())
}

async fn run() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("fintrac") => commands::serve::run().await,
        Some("migrate") => commands::migrate::run(Migration::Up, None).await,
        Some("migrate-status") => commands::migrate::run(Migration::Status, None).await,
        Some("migrate-down") => {
            let steps = std::env::args().nth(2).unwrap_or_default().parse()?;
            commands::migrate::run(Migration::Down { steps }, None).await
        }
        Some("keys-services") => commands::services::print(&std::env::args().nth(2).unwrap_or_default()),
        Some("demo") => commands::demo::run().await,
        Some("config-check") => commands::config::check(std::env::args().nth(2).as_deref()),
        Some("verify") => commands::verify::run().await,
        Some("admin-create") => {
            let email = std::env::args().nth(2).unwrap_or_default();
            commands::identity::create_admin(&email).await
        }
        Some("jobs") => commands::jobs::list().await,
        Some("jobs-run") => commands::jobs::run(&std::env::args().nth(2).unwrap_or_default()).await,
        Some("jobs-failed") => commands::jobs::list_failed().await,
        Some("jobs-retry") => {
            commands::jobs::retry_failed(&std::env::args().nth(2).unwrap_or_default(), &[]).await
        }
        Some("rotate-signing") => commands::identity::rotate_signing_key(2).await,
        Some("revoke-signing") => commands::identity::revoke_signing_keys().await,
        Some("end-sessions") => commands::identity::end_all_sessions().await,
        Some("rotate-data") => commands::identity::rotate_data_key().await,
        Some("auth") => auth_svc::run().await,
        Some("ledger") => ledger_svc::run().await,
        Some("budget") => budget_svc::run().await,
        Some("notify") => notify_svc::run().await,
        Some("gateway") => gateway::run().await,
        other => bail!("unknown service: {other:?}"),
    }
}
