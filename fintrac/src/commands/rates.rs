//! `fintrac rates import FILE`.

use std::path::Path;

use anyhow::Context as _;
use kit_core::clock::Clock;
use kit_core::random::Random;

use super::service_database;

/// Imports a file of the European Central Bank's reference rates.
/// The file may be zipped. Household amounts that lack a rate are filled afterwards.
pub async fn import(file: &Path) -> anyhow::Result<()> {
    let ledger = service_database::open(&ledger_svc::SCHEMA).await?;
    let imported = async {
        let rates = ledger_svc::import_ecb(&ledger.pool, file).await;
        let rates = rates.with_context(|| file.display().to_string())?;
        ledger_svc::fill_household_amounts(&ledger.pool, &Clock::System, &Random::System).await?;
        anyhow::Ok(rates)
    };
    let imported = imported.await;
    ledger.close().await?;
    tracing::info!("{} rates imported that are new or different", imported?);
    Ok(())
}
