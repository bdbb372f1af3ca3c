//! A connection pool for analyses, so that they do not block other requests.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

use crate::service::household_limit::HouseholdLimit;

const MAX_CONNECTIONS: u32 = 4;
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Concurrent analyses of one household; further ones wait.
const MAX_PER_HOUSEHOLD: usize = 2;

/// A few dedicated connections, limited per household.
#[derive(Debug)]
pub(in crate::service) struct AnalysisPool {
    pool: PgPool,
    limit: HouseholdLimit,
}

impl AnalysisPool {
    pub fn new(pool: &PgPool) -> Self {
        let pool = kit_db::bounded_pool(pool, MAX_CONNECTIONS, STATEMENT_TIMEOUT);
        Self { pool, limit: HouseholdLimit::new(MAX_PER_HOUSEHOLD) }
    }

    /// Returns a connection, and the household's permit to use it.
    pub async fn acquire(
        &self,
        household_id: Uuid,
    ) -> Result<(Option<SemaphorePermit<'_>>, PoolConnection<Postgres>), sqlx::Error> {
        let permit = self.limit.acquire(household_id).await;
        Ok((permit, self.pool.acquire().await?))
    }
}
