use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kit_core::clock::Clock;
use kit_core::error::chain;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use sqlx::PgPool;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::worker::{BoxError, Job, JobError, Worker, retry_delay};

/// The interval at which the table is polled without a wake signal.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The interval at which the leases of running jobs are renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(2);
/// The time for which a queue pauses after a job found another service unavailable.
/// It bounds the attempts during an outage, however many jobs wait.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(1);
/// The delay before such a job is retried.
const UNAVAILABLE_DELAY: TimeDelta = TimeDelta::seconds(1);
/// The number of attempts after which a job whose handler panics is given up.
const MAX_PANICS: i32 = 5;
/// The lease of a periodic job.
const PERIODIC_LEASE: TimeDelta = TimeDelta::seconds(30);
/// The delay before the first retry of a periodic job, doubled after each failure in a row.
const PERIODIC_RETRY_DELAY: TimeDelta = TimeDelta::minutes(1);

type Handler = Box<dyn Fn(String, i32) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// A queue with the handler of its jobs.
struct RegisteredQueue {
    name: &'static str,
    concurrency: usize,
    lease: TimeDelta,
    /// The interval of a periodic job.
    interval: Option<TimeDelta>,
    handler: Handler,
    /// The number of jobs that are running.
    running: usize,
    paused_until: Option<Instant>,
}

/// A job that this replica has leased.
#[derive(Debug, Clone)]
struct LeasedJob {
    /// Index of the registered queue.
    queue: usize,
    key: String,
    attempts: i32,
    lease_id: Uuid,
}

/// Handles the jobs of all queues of a service.
///
/// A slow job delays neither the other jobs of its queue, up to the queue's concurrency, nor the
/// other queues.
pub struct Runner {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    random: Random,
    signal: WakeSignal,
    queues: Vec<RegisteredQueue>,
    leased: Vec<LeasedJob>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues: Vec<_> = self.queues.iter().map(|queue| queue.name).collect();
        f.debug_struct("Runner")
            .field("service", &self.service)
            .field("queues", &queues)
            .finish_non_exhaustive()
    }
}

impl Runner {
    /// Creates a runner without queues; `signal` wakes it.
    pub fn new(
        service: &'static str,
        pool: PgPool,
        clock: Clock,
        random: Random,
        signal: WakeSignal,
    ) -> Self {
        Self { service, pool, clock, random, signal, queues: Vec::new(), leased: Vec::new() }
    }

    /// Adds the queue of a worker.
    pub fn add_worker<W: Worker>(&mut self, worker: W) {
        let worker = Arc::new(worker);
        let handler = move |key: String, attempts| -> BoxFuture<'static, _> {
            let worker = Arc::clone(&worker);
            Box::pin(async move {
                let key = key
                    .parse::<W::Key>()
                    .map_err(|error| JobError::Permanent(format!("the key is invalid: {error}")))?;
                let attempt = worker.handle(Job { key, attempts });
                tokio::time::timeout(W::TIMEOUT, attempt)
                    .await
                    .unwrap_or_else(|_elapsed| Err(JobError::Failed("the attempt timed out".to_owned())))
            })
        };
        self.queues.push(RegisteredQueue {
            name: W::QUEUE.name,
            concurrency: W::CONCURRENCY,
            lease: W::LEASE,
            interval: None,
            handler: Box::new(handler),
            running: 0,
            paused_until: None,
        });
    }

    /// Adds a periodic job, which is due for the first time when the service first starts.
    pub fn add_periodic<F>(
        &mut self,
        name: &'static str,
        interval: TimeDelta,
        task: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let handler = move |_key: String, _attempts| -> BoxFuture<'static, _> {
            let run = task();
            Box::pin(async move { run.await.map_err(|error| JobError::Failed(chain(&*error))) })
        };
        self.queues.push(RegisteredQueue {
            name,
            concurrency: 1,
            lease: PERIODIC_LEASE,
            interval: Some(interval),
            handler: Box::new(handler),
            running: 0,
            paused_until: None,
        });
    }

    /// Handles jobs until `shutdown`, then finishes those in progress.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut listener = self.signal.subscribe();
        let mut renewal = tokio::time::interval(RENEWAL_INTERVAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tasks = JoinSet::new();
        let mut has_periodic_jobs = false;
        loop {
            let is_stopping = shutdown.is_cancelled();
            if is_stopping && tasks.is_empty() {
                return;
            }
            if !is_stopping && let Err(error) = self.start_due_jobs(&mut tasks, &mut has_periodic_jobs).await
            {
                tracing::warn!(service = self.service, error = %chain(&error), "jobs not claimed");
            }
            tokio::select! {
                () = shutdown.cancelled(), if !is_stopping => {}
                Some(ended) = tasks.join_next() => self.release_slot(ended),
                _ = renewal.tick(), if !self.leased.is_empty() => {
                    if let Err(error) = self.renew_leases().await {
                        tracing::warn!(service = self.service, error = %chain(&error), "leases not renewed");
                    }
                }
                () = listener.wait(POLL_INTERVAL), if !is_stopping => {}
            }
        }
    }

    /// Leases jobs that are due, as many as can run, and starts them.
    async fn start_due_jobs(
        &mut self,
        tasks: &mut JoinSet<EndedJob>,
        has_periodic_jobs: &mut bool,
    ) -> Result<(), sqlx::Error> {
        if !*has_periodic_jobs {
            self.insert_periodic_jobs().await?;
            *has_periodic_jobs = true;
        }
        for job in self.claim().await? {
            let Some(queue) = self.queues.get_mut(job.queue) else { continue };
            queue.running += 1;
            self.leased.push(job.clone());
            let attempt = AssertUnwindSafe((queue.handler)(job.key.clone(), job.attempts)).catch_unwind();
            let record = Record {
                service: self.service,
                queue: queue.name,
                interval: queue.interval,
                pool: self.pool.clone(),
                clock: self.clock.clone(),
            };
            tasks.spawn(async move {
                let result = attempt.await.unwrap_or_else(|_panic| Err(panic_error(job.attempts)));
                let is_unavailable = matches!(result, Err(JobError::Unavailable(_)));
                if let Err(error) = record.save(&job, result).await {
                    // The lease expires and the job runs again.
                    let (service, queue) = (record.service, record.queue);
                    tracing::warn!(service, queue, error = %chain(&error), "result of a job not recorded");
                }
                EndedJob { job, is_unavailable }
            });
        }
        Ok(())
    }

    fn release_slot(&mut self, ended: Result<EndedJob, JoinError>) {
        // A task is neither aborted nor does it panic.
        let Ok(EndedJob { job, is_unavailable }) = ended else { return };
        self.leased.retain(|leased| (leased.queue, &leased.key) != (job.queue, &job.key));
        if let Some(queue) = self.queues.get_mut(job.queue) {
            queue.running -= 1;
            if is_unavailable {
                queue.paused_until = Some(Instant::now() + UNAVAILABLE_PAUSE);
            }
        }
    }

    async fn insert_periodic_jobs(&self) -> Result<(), sqlx::Error> {
        let names = self.queues.iter().filter(|queue| queue.interval.is_some());
        let names: Vec<_> = names.map(|queue| queue.name.to_owned()).collect();
        sqlx::query!(
            r#"insert into jobs (queue, key, run_at) select name, '', $2 from unnest($1::text[]) as periodic (name)
               on conflict (queue, key) do nothing"#,
            &names,
            self.clock.now(),
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// Leases the jobs that are due.
    ///
    /// The run covers the requests up to now; a later one, made before the lease expired, is kept.
    async fn claim(&self) -> Result<Vec<LeasedJob>, sqlx::Error> {
        let (now, lease_id) = (self.clock.now(), Uuid::from_bytes(self.random.bytes()));
        let is_ready = |queue: &&RegisteredQueue| {
            queue.running < queue.concurrency
                && queue.paused_until.is_none_or(|until| until <= Instant::now())
        };
        let ready: Vec<_> = self.queues.iter().filter(is_ready).collect();
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let free =
            |queue: &&RegisteredQueue| i64::try_from(queue.concurrency - queue.running).unwrap_or(i64::MAX);
        let rows = sqlx::query!(
            r#"with due as materialized (
                   select job.queue, job.key, free.leased_until
                   from unnest($1::text[], $2::int8[], $3::timestamptz[]) as free (queue, slots, leased_until),
                   lateral (
                       select jobs.queue, jobs.key from jobs
                       where jobs.queue = free.queue and run_at <= $4 and failed_at is null
                         and (jobs.leased_until is null or jobs.leased_until <= $4)
                       order by run_at limit free.slots
                       for update skip locked) as job)
               update jobs set lease_id = $5, leased_until = due.leased_until, started_at = $4,
                   rerun_at = case when rerun_at > $4 then rerun_at end
               from due where jobs.queue = due.queue and jobs.key = due.key
               returning jobs.queue, jobs.key, attempts"#,
            &ready.iter().map(|queue| queue.name.to_owned()).collect::<Vec<_>>(),
            &ready.iter().map(free).collect::<Vec<_>>(),
            &ready.iter().map(|queue| now + queue.lease).collect::<Vec<_>>(),
            now,
            lease_id,
        )
        .fetch_all(&self.pool)
        .await?;
        let jobs = rows.into_iter().filter_map(|row| {
            let queue = self.queues.iter().position(|queue| queue.name == row.queue)?;
            Some(LeasedJob { queue, key: row.key, attempts: row.attempts, lease_id })
        });
        Ok(jobs.collect())
    }

    async fn renew_leases(&self) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let queue = |job: &LeasedJob| self.queues.get(job.queue);
        let name = |job| queue(job).map_or("", |queue| queue.name).to_owned();
        let leased_until = |job| queue(job).map_or(now, |queue| now + queue.lease);
        sqlx::query!(
            r#"update jobs set leased_until = renewed.leased_until
               from unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[])
                   as renewed (queue, key, lease_id, leased_until)
               where jobs.queue = renewed.queue and jobs.key = renewed.key
                 and jobs.lease_id = renewed.lease_id"#,
            &self.leased.iter().map(name).collect::<Vec<_>>(),
            &self.leased.iter().map(|job| job.key.clone()).collect::<Vec<_>>(),
            &self.leased.iter().map(|job| job.lease_id).collect::<Vec<_>>(),
            &self.leased.iter().map(leased_until).collect::<Vec<_>>(),
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }
}

/// A job whose result is recorded.
struct EndedJob {
    job: LeasedJob,
    is_unavailable: bool,
}

/// Returns the error of an attempt that panicked.
fn panic_error(attempts: i32) -> JobError {
    let text = "the attempt panicked".to_owned();
    if attempts + 1 < MAX_PANICS { JobError::Failed(text) } else { JobError::Permanent(text) }
}

/// Records the results of a queue's jobs.
struct Record {
    service: &'static str,
    queue: &'static str,
    interval: Option<TimeDelta>,
    pool: PgPool,
    clock: Clock,
}

impl Record {
    /// Records a result, unless another replica has taken over the job.
    async fn save(&self, job: &LeasedJob, result: Result<(), JobError>) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let Err(error) = result else {
            return match self.interval {
                Some(interval) => self.release(job, 0, now + interval, None).await,
                None => self.complete(job).await,
            };
        };
        let (service, queue, key, text) = (self.service, self.queue, &job.key, error.to_string());
        let delay = match (error, self.interval) {
            (JobError::Unavailable(_), _) => {
                tracing::warn!(service, queue, key, error = text, "job postponed");
                return self.release(job, job.attempts, now + UNAVAILABLE_DELAY, Some(&text)).await;
            }
            (_, Some(interval)) => {
                let doubled =
                    PERIODIC_RETRY_DELAY * 2_i32.saturating_pow(job.attempts.clamp(0, 20).unsigned_abs());
                doubled.min(interval)
            }
            (JobError::Failed(_), None) => retry_delay(job.attempts),
            (JobError::RetryAfter(delay, _), None) => delay,
            (JobError::Permanent(_), None) => {
                tracing::error!(service, queue, key, error = text, "job given up");
                return self.give_up(job, now, &text).await;
            }
        };
        if self.interval.is_some() {
            tracing::error!(service, queue, error = text, "periodic job failed");
        } else {
            tracing::warn!(service, queue, key, error = text, "job failed, retrying");
        }
        self.release(job, job.attempts + 1, now + delay, Some(&text)).await
    }

    /// Deletes a job that succeeded; keeps it if another run was requested meanwhile.
    async fn complete(&self, job: &LeasedJob) -> Result<(), sqlx::Error> {
        let done = sqlx::query!(
            "delete from jobs where queue = $1 and key = $2 and lease_id = $3 and rerun_at is null",
            self.queue,
            job.key,
            job.lease_id,
        )
        .execute(&self.pool)
        .await?;
        // Without a request, another replica has the job.
        if done.rows_affected() == 0 { self.release(job, 0, self.clock.now(), None).await } else { Ok(()) }
    }

    /// Ends the lease and sets the next run.
    ///
    /// A run that was requested meanwhile replaces it, but not before a failed attempt's delay.
    async fn release(
        &self,
        job: &LeasedJob,
        attempts: i32,
        run_at: DateTime<Utc>,
        error: Option<&str>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"update jobs set run_at = case when $6::text is null then coalesce(rerun_at, $4)
                                             else greatest(rerun_at, $4) end,
                   rerun_at = null, attempts = $5, last_error = $6, finished_at = $7, lease_id = null,
                   leased_until = null
               where queue = $1 and key = $2 and lease_id = $3"#,
            self.queue,
            job.key,
            job.lease_id,
            run_at,
            attempts,
            error,
            self.clock.now(),
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// Ends the lease and marks the job as failed, unless a run was requested meanwhile.
    async fn give_up(&self, job: &LeasedJob, now: DateTime<Utc>, error: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"update jobs set run_at = coalesce(rerun_at, run_at), rerun_at = null, last_error = $4,
                   failed_at = case when rerun_at is null then $5::timestamptz end,
                   attempts = case when rerun_at is null then attempts + 1 else 0 end,
                   finished_at = $5, lease_id = null, leased_until = null
               where queue = $1 and key = $2 and lease_id = $3"#,
            self.queue,
            job.key,
            job.lease_id,
            error,
            now,
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }
}
