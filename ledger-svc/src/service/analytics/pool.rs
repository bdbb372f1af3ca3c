//! A connection pool for analyses, so that they do not block other requests.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use fintrac_kit::database;
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

/// A connection that returns to the pool when it is dropped.
pub(in crate::service) struct AnalysisConnection<'a> {
    connection: PoolConnection<Postgres>,
    _permit: Option<SemaphorePermit<'a>>,
}

impl AnalysisPool {
    pub fn new(pool: &PgPool) -> Self {
        let pool = database::bounded_pool(pool, MAX_CONNECTIONS, STATEMENT_TIMEOUT);
        Self { pool, limit: HouseholdLimit::new(MAX_PER_HOUSEHOLD) }
    }

    pub async fn acquire(&self, household_id: Uuid) -> Result<AnalysisConnection<'_>, sqlx::Error> {
        let permit = self.limit.acquire(household_id).await;
        Ok(AnalysisConnection { connection: self.pool.acquire().await?, _permit: permit })
    }
}

impl Deref for AnalysisConnection<'_> {
    type Target = PoolConnection<Postgres>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for AnalysisConnection<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
