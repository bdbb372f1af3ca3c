//! A service that is built but not yet served.
//!
//! The same value runs alone on a port or together with the other services in one process.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use kit_core::clock::Clock;
use kit_db::idempotency;
use kit_db::{Schema, SchemaError, ensure_event_partitions, is_transient};
use kit_events::{Consumer, EventLog, Handler};
use kit_jobs::{BoxError, Jobs, Runner, Worker};
use kit_process::shutdown::BackgroundTask;
use kit_rpc::transport::Transport;
use sqlx::{Connection as _, PgPool};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::erasure::{self, ErasureHandler};
use crate::export::Exports;

pub use crate::dependencies::ServiceDependencies;

/// The interval at which a service records its metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// A service: its RPCs and its background work.
pub struct ServiceModule {
    /// `auth`, `ledger`, `budget` or `notify`: its schema and its name in credentials.
    pub name: &'static str,
    /// The service's gRPC services, including its event log and its jobs.
    pub routes: Routes,
    /// The service's jobs and queues, which are merged where services share a process.
    pub jobs: Jobs,
    /// The service's export, which is merged where services share a process.
    pub exports: Exports,
    /// Connections to the service's schema.
    pub pool: PgPool,
    background_tasks: Vec<BackgroundTask>,
    runner: Runner,
}

impl fmt::Debug for ServiceModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceModule").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServiceModule {
    /// Creates a module with its event log, its jobs and the shared housekeeping.
    /// `readers` are the services that may read the event log, `queues` the names of the queues that
    /// its workers handle. The jobs are available over gRPC and as metrics. The housekeeping cleans
    /// kit's tables.
    pub fn new(
        name: &'static str,
        deps: &ServiceDependencies,
        readers: &'static [&'static str],
        queues: &'static [&'static str],
    ) -> Self {
        let log = EventLog::new(
            deps.pool.clone(),
            deps.event_log_signal.clone(),
            readers,
            deps.clock.clone(),
            deps.closing.clone(),
        );
        let jobs = Jobs::new(name, deps.pool.clone(), queues, deps.clock.clone());
        let routes = Routes::new(log.into_service()).add_service(jobs.clone().into_service());
        let ServiceDependencies { pool, clock, random, job_signal, .. } = deps.clone();
        let runner = Runner::new(name, pool, clock, random, job_signal);
        let mut module = Self {
            name,
            routes,
            jobs,
            exports: Exports::default(),
            pool: deps.pool.clone(),
            background_tasks: Vec::new(),
            runner,
        };
        let clock = deps.clock.clone();
        module.add_job("event-partitions", TimeDelta::days(1), move |pool| {
            let now = clock.now();
            async move {
                let mut connection = pool.acquire().await?;
                ensure_event_partitions(&mut connection, now).await?;
                match kit_events::drop_expired_partitions(&mut connection, readers, now).await {
                    Err(error) if is_transient(&error) => {
                        tracing::warn!(%error, "expired event partitions not dropped");
                    }
                    dropped => dropped?,
                }
                Ok(())
            }
        });
        let clock = deps.clock.clone();
        module.add_job("idempotency-clean-up", TimeDelta::hours(1), move |pool| {
            let now = clock.now();
            async move {
                while idempotency::purge(&mut *pool.acquire().await?, now).await? > 0 {}
                Ok(())
            }
        });
        let (pool, clock) = (deps.pool.clone(), deps.clock.clone());
        module.add_background_task(move |shutdown| record_metrics(name, queues, pool, clock, shutdown));
        module
    }

    /// Adds a background task.
    pub fn add_background_task<F>(&mut self, task: impl FnOnce(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.background_tasks.push(Box::new(|shutdown| Box::pin(task(shutdown))));
    }

    /// Adds the service's export.
    pub fn add_exports(&mut self, exports: Exports) {
        self.routes = std::mem::take(&mut self.routes).add_service(exports.clone().into_service());
        self.exports = exports;
    }

    /// Adds the consumer of another service's event log, which also records the erasures of the log.
    pub fn add_consumer(
        &mut self,
        deps: &ServiceDependencies,
        source: &'static str,
        log: Transport,
        handler: impl Handler,
    ) {
        let consumer = Consumer {
            source,
            log,
            pool: deps.pool.clone(),
            clock: deps.clock.clone(),
            job_signal: deps.job_signal.clone(),
            handler: ErasureHandler::new(handler, deps.clock.clone()),
        };
        self.add_background_task(|shutdown| consumer.run(shutdown));
    }

    /// Adds a periodic job that uses the module's pool.
    pub fn add_job<F>(
        &mut self,
        name: &'static str,
        interval: TimeDelta,
        task: impl Fn(PgPool) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let pool = self.pool.clone();
        self.runner.add_periodic(name, interval, move || task(pool.clone()));
    }

    /// Adds the worker of a queue.
    pub fn add_worker(&mut self, worker: impl Worker) {
        self.runner.add_worker(worker);
    }

    /// Returns the routes, and the tasks to run while they are served.
    pub fn into_parts(mut self) -> (Routes, Vec<BackgroundTask>) {
        let runner = self.runner;
        self.background_tasks.push(Box::new(|shutdown| Box::pin(runner.run(shutdown))));
        (self.routes, self.background_tasks)
    }
}

/// Checks that the schema is current and opens its event log.
/// A service calls it before it builds its module.
pub async fn open_schema(schema: &Schema, pool: &PgPool, clock: &Clock) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    connection.ping().await?;
    schema.verify(&mut connection).await?;
    ensure_event_partitions(&mut connection, clock.now()).await?;
    kit_events::open_epoch(&mut connection, clock.now()).await?;
    Ok(())
}

/// Records metrics on connections, the visibility horizon and background work.
async fn record_metrics(
    name: &'static str,
    queues: &'static [&'static str],
    pool: PgPool,
    clock: Clock,
    shutdown: CancellationToken,
) {
    while tokio::time::timeout(METRICS_INTERVAL, shutdown.cancelled()).await.is_err() {
        let idle = u32::try_from(pool.num_idle()).unwrap_or_default();
        for (state, connections) in [("idle", idle), ("used", pool.size().saturating_sub(idle))] {
            let labels = [("service", name), ("state", state)];
            metrics::gauge!("fintrac_pool_connections", &labels).set(f64::from(connections));
        }
        let max = pool.options().get_max_connections();
        metrics::gauge!("fintrac_pool_limit", "service" => name).set(f64::from(max));
        let Ok(mut connection) = pool.acquire().await else { continue };
        let now = clock.now();
        if let Ok(oldest) = erasure::oldest_pending_age(&mut connection, now).await {
            metrics::gauge!("fintrac_erasure_oldest_seconds", "service" => name).set(oldest.as_secs_f64());
        }
        if let Ok(lag) = kit_events::horizon_lag_seconds(&mut connection, now).await {
            metrics::gauge!("fintrac_event_horizon_lag_seconds", "service" => name).set(lag);
        }
        for job in kit_jobs::list(&mut connection, queues, now).await.unwrap_or_default() {
            let labels = [("service", name.to_owned()), ("job", job.name)];
            let late = job.due_at.and_then(|due| (now - due).to_std().ok()).unwrap_or_default();
            metrics::gauge!("fintrac_job_late_seconds", &labels).set(late.as_secs_f64());
            metrics::gauge!("fintrac_job_running", &labels).set(f64::from(u8::from(job.is_running)));
            metrics::gauge!("fintrac_job_failures", &labels).set(gauge_value(job.failures));
            if let Some(backlog) = job.backlog {
                metrics::gauge!("fintrac_job_backlog", &labels).set(gauge_value(backlog));
            }
        }
    }
}

/// Converts a count to the value of a gauge.
fn gauge_value(number: i64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
