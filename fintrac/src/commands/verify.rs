//! `fintrac verify`.

use anyhow::ensure;

use super::service_database;

/// Counts the violations of the ledger's invariants; fails if there are any.
pub async fn run() -> anyhow::Result<()> {
    let ledger = service_database::open(&ledger_svc::SCHEMA).await?;
    let findings = ledger_svc::verify(&ledger.pool).await;
    ledger.close().await?;
    let mut broken = 0;
    for finding in findings? {
        tracing::info!("{:>6} violations: {}", finding.violations, finding.invariant);
        broken += finding.violations;
    }
    ensure!(broken == 0, "{broken} violations; the ledger is damaged");
    Ok(())
}
