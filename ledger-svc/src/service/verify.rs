//! Verifies the ledger's invariants, all on one snapshot.

use sqlx::PgPool;

use super::BEGIN_SNAPSHOT;
use crate::store::verification::{self, Finding};

/// Counts the violations of each invariant. Reads every posting.
pub async fn verify(pool: &PgPool) -> Result<Vec<Finding>, sqlx::Error> {
    let mut snapshot = pool.begin_with(BEGIN_SNAPSHOT).await?;
    sqlx::query!("select set_config('statement_timeout', '0', true)").fetch_one(&mut *snapshot).await?;
    let findings = verification::run(&mut snapshot).await?;
    snapshot.commit().await?;
    for finding in findings.iter().filter(|finding| finding.violations > 0) {
        tracing::error!(violations = finding.violations, "invariant violated: {}", finding.invariant);
    }
    Ok(findings)
}
