//! A service, built but not yet served: the same value runs alone on a port or
//! beside the others in one process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use sqlx::{Connection as _, PgPool};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::access::credential::ServiceKeys;
use crate::access::trust::Trust;
use crate::clock::Clock;
use crate::database::Schema;
use crate::database::{SchemaError, ensure_event_partitions};
use crate::erasure;
use crate::events::{self, Bell, EventLog};
use crate::idempotency;
use crate::jobs::{BoxError, Periodic};
use crate::random::Random;

/// How often the event horizon is measured.
const HORIZON_INTERVAL: Duration = Duration::from_secs(5);

/// What every service is built from.
#[derive(Debug, Clone)]
pub struct Deps {
    pub clock: Clock,
    pub random: Random,
    pub keys: ServiceKeys,
    pub trust: Arc<Trust>,
    pub pool: PgPool,
    /// Rung after each commit that appended events.
    pub bell: Bell,
    /// Cancelled when listeners close: streams without an end of their own end then.
    pub closing: CancellationToken,
}

/// Something that runs beside the calls until it is told to stop.
pub type Worker = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A service: what it answers and what it does by itself.
pub struct Module {
    /// `auth`, `ledger`, `budget`, `notify`: its schema and its name in credentials.
    pub name: &'static str,
    /// The gRPC services that it owns, its event log included.
    pub routes: Routes,
    pub workers: Vec<Worker>,
    pub pool: PgPool,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Module {
    /// A module with its event log, which `readers` may read, and the
    /// housekeeping of the plumbing's tables.
    pub fn new(name: &'static str, deps: &Deps, readers: &'static [&'static str]) -> Self {
        let log = EventLog::new(deps.pool.clone(), deps.bell.clone(), readers, deps.closing.clone());
        let routes = Routes::new(log.into_service());
        let mut module = Self { name, routes, workers: Vec::new(), pool: deps.pool.clone() };
        let clock = deps.clock.clone();
        module.add_job(deps, "event-partitions", TimeDelta::days(1), move |pool| {
            let now = clock.now();
            async move { Ok(ensure_event_partitions(&mut *pool.acquire().await?, now).await?) }
        });
        let clock = deps.clock.clone();
        module.add_job(deps, "idempotency-clean-up", TimeDelta::hours(1), move |pool| {
            let now = clock.now();
            async move {
                while idempotency::purge(&mut *pool.acquire().await?, now).await? > 0 {}
                Ok(())
            }
        });
        let (pool, clock) = (deps.pool.clone(), deps.clock.clone());
        module.add_worker(move |shutdown| measure_horizon(name, pool, clock, shutdown));
        module
    }

    /// Adds a worker.
    pub fn add_worker<F>(&mut self, worker: impl FnOnce(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.workers.push(Box::new(|shutdown| Box::pin(worker(shutdown))));
    }

    /// Adds a periodic task on the module's pool.
    pub fn add_job<F>(
        &mut self,
        deps: &Deps,
        name: &'static str,
        every: TimeDelta,
        task: impl Fn(PgPool) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let pool = deps.pool.clone();
        let job = Periodic { name, every, pool: pool.clone(), clock: deps.clock.clone() };
        self.add_worker(move |shutdown| async move { job.run(shutdown, || task(pool.clone())).await });
    }
}

/// Checks that the schema is current and opens its event log; a service does
/// this before it builds its module.
pub async fn open_schema(schema: &Schema, pool: &PgPool, clock: &Clock) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    connection.ping().await?;
    schema.verify(&mut connection).await?;
    ensure_event_partitions(&mut connection, clock.now()).await?;
    events::open_epoch(&mut connection, clock.now()).await?;
    Ok(())
}

/// Keeps the metric on how far the event feed is held back.
async fn measure_horizon(name: &'static str, pool: PgPool, clock: Clock, shutdown: CancellationToken) {
    while tokio::time::timeout(HORIZON_INTERVAL, shutdown.cancelled()).await.is_err() {
        let Ok(mut connection) = pool.acquire().await else { continue };
        if let Ok(oldest) = erasure::oldest(&mut connection, clock.now()).await {
            metrics::gauge!("fintrac_erasure_oldest_seconds", "service" => name).set(oldest.as_secs_f64());
        }
        if let Ok(lag) = events::horizon_lag(&mut connection, clock.now()).await {
            metrics::gauge!("fintrac_event_horizon_lag_seconds", "service" => name).set(lag);
        }
    }
}
