//! Tests of queues, workers and periodic jobs.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kit_core::clock::Clock;
use kit_jobs::{FailedJob, Job, JobError, JobState, Queue, Runner, Worker};
use kit_service::module::ServiceDependencies;
use kit_testing::{TestDatabase, deps};
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{clock, schema};

const QUEUE: Queue<String> = Queue::new("errands");
const LEASE: TimeDelta = TimeDelta::seconds(10);

/// A worker that reports the key of each job that it starts.
/// The key decides what the job does.
struct Errands {
    started: mpsc::UnboundedSender<String>,
    resume: Arc<Semaphore>,
}

impl Worker for Errands {
    type Key = String;

    const QUEUE: Queue<String> = QUEUE;
    const CONCURRENCY: usize = 2;
    const TIMEOUT: Duration = Duration::from_mins(5);
    const LEASE: TimeDelta = LEASE;

    async fn handle(&self, job: Job<String>) -> Result<(), JobError> {
        self.started.send(job.key.clone()).expect("the test listens");
        match job.key.as_str() {
            "waits" | "waits, too" => {
                self.resume.acquire().await.expect("the test is running").forget();
                Ok(())
            }
            "waits and fails" => {
                self.resume.acquire().await.expect("the test is running").forget();
                Err(JobError::Failed("no luck".to_owned()))
            }
            "panics" => panic!("a job that panics"),
            "fails" => Err(JobError::Failed("no luck".to_owned())),
            "is impossible" => Err(JobError::Permanent("never".to_owned())),
            "is blocked" if job.attempts == 0 => Err(JobError::Unavailable("away".to_owned())),
            _ => Ok(()),
        }
    }
}

/// Creates a runner without queues.
fn runner(deps: &ServiceDependencies) -> Runner {
    let ServiceDependencies { pool, clock, random, job_signal, .. } = deps.clone();
    Runner::new("toy", pool, clock, random, job_signal)
}

/// A schema with a queue and the replicas that work on it.
struct System {
    clock: Clock,
    deps: ServiceDependencies,
    started: mpsc::UnboundedReceiver<String>,
    report: mpsc::UnboundedSender<String>,
    resume: Arc<Semaphore>,
    shutdown: CancellationToken,
    _database: TestDatabase,
}

impl System {
    async fn new() -> Self {
        let clock = clock();
        let database = TestDatabase::new(&[&schema()], &clock).await;
        let deps = deps(&database.pool(&schema(), &clock).await, &clock);
        let (report, started) = mpsc::unbounded_channel();
        let (resume, shutdown) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
        Self { clock, deps, started, report, resume, shutdown, _database: database }
    }

    fn pool(&self) -> &PgPool {
        &self.deps.pool
    }

    fn start_replica(&self) -> JoinHandle<()> {
        let mut runner = runner(&self.deps);
        runner.add_worker(Errands { started: self.report.clone(), resume: Arc::clone(&self.resume) });
        tokio::spawn(runner.run(self.shutdown.clone()))
    }

    /// Starts a replica with a periodic job of one hour that reports its runs.
    fn start_periodic(&self, run: fn() -> Result<(), kit_jobs::BoxError>) -> JoinHandle<()> {
        let (mut runner, report) = (runner(&self.deps), self.report.clone());
        runner.add_periodic("chore", TimeDelta::hours(1), move || {
            report.send("chore".to_owned()).expect("the test listens");
            async move { run() }
        });
        tokio::spawn(runner.run(self.shutdown.clone()))
    }

    async fn enqueue(&self, keys: &[&str]) {
        let keys = keys.iter().map(|key| (*key).to_owned());
        let mut connection = self.pool().acquire().await.expect("a connection");
        QUEUE.enqueue(&mut connection, keys, self.clock.now()).await.expect("enqueued");
        self.deps.job_signal.wake();
    }

    async fn next_start(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_mins(1), self.started.recv());
        next.await.expect("a job starts").expect("the channel is open")
    }

    async fn state(&self) -> JobState {
        let mut connection = self.pool().acquire().await.expect("a connection");
        let states = kit_jobs::list(&mut connection, &[QUEUE.name], self.clock.now()).await.expect("states");
        let queue = states.into_iter().find(|state| state.name == QUEUE.name);
        queue.expect("the state of the queue")
    }

    async fn failed(&self) -> Vec<FailedJob> {
        kit_jobs::list_failed(&mut self.pool().acquire().await.expect("a connection")).await.expect("a list")
    }

    /// Waits until the state satisfies `is_reached`.
    async fn wait_for(&self, is_reached: impl Fn(&JobState) -> bool) -> JobState {
        let reached = async {
            loop {
                let state = self.state().await;
                if is_reached(&state) {
                    return state;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the state is reached")
    }

    async fn stop(self, replica: JoinHandle<()>) {
        self.shutdown.cancel();
        replica.await.expect("no panic");
    }
}

/// Returns whether nothing waits, runs or failed.
fn is_empty(state: &JobState) -> bool {
    !state.is_running && state.backlog == Some(0) && state.failures == 0 && state.due_at.is_none()
}

#[tokio::test]
async fn two_replicas_run_each_job_once() {
    let mut system = System::new().await;
    let replicas = [system.start_replica(), system.start_replica()];
    let keys: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    system.enqueue(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut started = Vec::new();
    for _ in &keys {
        started.push(system.next_start().await);
    }
    system.wait_for(is_empty).await;
    assert!(system.started.try_recv().is_err(), "no job starts twice");
    started.sort_by_key(|key| key.parse::<u32>().expect("a number"));
    assert_eq!(started, keys);
    system.shutdown.cancel();
    for replica in replicas {
        replica.await.expect("no panic");
    }
}

#[tokio::test]
async fn the_job_of_a_killed_replica_runs_again_after_its_lease() {
    let mut system = System::new().await;
    let killed = system.start_replica();
    system.enqueue(&["waits"]).await;
    system.next_start().await;
    killed.abort();
    assert!(killed.await.expect_err("the replica is dead").is_cancelled());
    let other = system.start_replica();
    system.enqueue(&["other"]).await;
    assert_eq!(system.next_start().await, "other", "the lease has not expired");
    system.clock.advance(LEASE);
    system.resume.add_permits(1);
    assert_eq!(system.next_start().await, "waits");
    system.wait_for(is_empty).await;
    system.stop(other).await;
}

#[tokio::test]
async fn a_run_scheduled_before_the_replica_was_killed_is_kept() {
    let mut system = System::new().await;
    let killed = system.start_replica();
    system.enqueue(&["waits"]).await;
    system.next_start().await;
    let tomorrow = system.clock.now() + TimeDelta::days(1);
    let mut connection = system.pool().acquire().await.expect("a connection");
    QUEUE.schedule(&mut connection, [("waits".to_owned(), tomorrow)]).await.expect("scheduled");
    drop(connection);
    killed.abort();
    assert!(killed.await.expect_err("the replica is dead").is_cancelled());
    system.clock.advance(LEASE);
    let other = system.start_replica();
    assert_eq!(system.next_start().await, "waits");
    system.resume.add_permits(1);
    let state = system.wait_for(|state| !state.is_running).await;
    assert_eq!(state.due_at, Some(tomorrow));
    system.stop(other).await;
}

#[tokio::test]
async fn the_lease_of_a_running_job_is_renewed() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["waits"]).await;
    system.next_start().await;
    for _ in 0..3 {
        system.clock.advance(LEASE - TimeDelta::seconds(1));
        let now = system.clock.now();
        let renewed = async {
            let renewed = "select true from jobs where leased_until = $1";
            let until = now + LEASE;
            while sqlx::query_scalar::<_, bool>(renewed)
                .bind(until)
                .fetch_optional(system.pool())
                .await
                .expect("query")
                .is_none()
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), renewed).await.expect("the lease is renewed");
    }
    assert!(system.started.try_recv().is_err(), "it did not start again");
    system.resume.add_permits(1);
    system.wait_for(is_empty).await;
    system.stop(replica).await;
}

#[tokio::test]
async fn a_change_while_the_job_runs_runs_it_once_more() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["waits"]).await;
    system.next_start().await;
    system.enqueue(&["waits"]).await;
    system.enqueue(&["waits", "other"]).await;
    assert_eq!(system.next_start().await, "other", "not twice at the same time");
    system.resume.add_permits(1);
    assert_eq!(system.next_start().await, "waits");
    system.resume.add_permits(1);
    system.wait_for(is_empty).await;
    assert!(system.started.try_recv().is_err(), "two requests need one run");
    system.stop(replica).await;
}

#[tokio::test]
async fn a_change_while_the_job_fails_waits_for_the_retry() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["waits and fails"]).await;
    system.next_start().await;
    system.enqueue(&["waits and fails"]).await;
    system.resume.add_permits(1);
    let due_at = system.clock.now() + TimeDelta::seconds(1);
    let state = system.wait_for(|state| state.due_at == Some(due_at)).await;
    assert_eq!(state.backlog, Some(1), "one run for both");
    system.stop(replica).await;
}

#[tokio::test]
async fn a_job_of_a_rolled_back_transaction_never_runs() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    let mut transaction = system.pool().begin().await.expect("a transaction");
    QUEUE.enqueue(&mut transaction, ["lost".to_owned()], system.clock.now()).await.expect("enqueued");
    transaction.rollback().await.expect("rolled back");
    system.enqueue(&["kept"]).await;
    assert_eq!(system.next_start().await, "kept");
    system.wait_for(is_empty).await;
    system.stop(replica).await;
}

#[tokio::test]
async fn a_failed_job_is_retried_after_a_growing_delay() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["fails"]).await;
    for seconds in [1, 2, 4, 8] {
        assert_eq!(system.next_start().await, "fails");
        let due_at = system.clock.now() + TimeDelta::seconds(seconds);
        let state = system.wait_for(|state| state.due_at == Some(due_at)).await;
        assert_eq!((state.backlog, state.failures), (Some(1), 0));
        system.clock.advance(TimeDelta::seconds(seconds));
    }
    system.stop(replica).await;
}

#[tokio::test]
async fn an_impossible_job_is_given_up_until_an_operator_retries_it() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["is impossible", "other"]).await;
    for _ in 0..2 {
        system.next_start().await;
    }
    system.wait_for(|state| state.failures == 1 && state.backlog == Some(0)).await;
    let failed = system.failed().await;
    let [FailedJob { queue, key, attempts: 1, last_error, .. }] = failed.as_slice() else {
        panic!("one failed job: {failed:?}")
    };
    assert_eq!((queue.as_str(), key.as_str(), last_error.as_str()), ("errands", "is impossible", "never"));
    let mut connection = system.pool().acquire().await.expect("a connection");
    let now = system.clock.now();
    let unknown = kit_jobs::retry_failed(&mut connection, "errands", &["x".to_owned()], now).await;
    assert_eq!(unknown.expect("query"), 0);
    assert_eq!(kit_jobs::retry_failed(&mut connection, "errands", &[], now).await.expect("query"), 1);
    drop(connection);
    assert_eq!(system.next_start().await, "is impossible");
    system.wait_for(|state| state.failures == 1).await;
    // A new request is a new reason to try.
    system.enqueue(&["is impossible"]).await;
    assert_eq!(system.next_start().await, "is impossible");
    system.stop(replica).await;
}

#[tokio::test]
async fn a_job_that_panics_stops_no_other_and_is_given_up() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["panics"]).await;
    for attempt in 1..=5 {
        assert_eq!(system.next_start().await, "panics", "attempt {attempt}");
        system.wait_for(|state| !state.is_running).await;
        system.clock.advance(TimeDelta::minutes(1));
    }
    system.wait_for(|state| state.failures == 1).await;
    system.enqueue(&["other"]).await;
    assert_eq!(system.next_start().await, "other");
    system.stop(replica).await;
}

#[tokio::test]
async fn an_unreadable_key_is_given_up() {
    const NUMBERS: Queue<u64> = Queue::new("numbers");

    struct Numbers;

    impl Worker for Numbers {
        type Key = u64;

        const QUEUE: Queue<u64> = NUMBERS;
        const TIMEOUT: Duration = Duration::from_mins(1);

        async fn handle(&self, _job: Job<u64>) -> Result<(), JobError> {
            Ok(())
        }
    }

    let system = System::new().await;
    let mut connection = system.pool().acquire().await.expect("a connection");
    let texts: Queue<String> = Queue::new(NUMBERS.name);
    let keys = ["1".to_owned(), "one".to_owned()];
    texts.enqueue(&mut connection, keys, system.clock.now()).await.expect("enqueued");
    let mut runner = runner(&system.deps);
    runner.add_worker(Numbers);
    let replica = tokio::spawn(runner.run(system.shutdown.clone()));
    let failed = async {
        loop {
            let failed = system.failed().await;
            if !failed.is_empty() {
                return failed;
            }
            tokio::task::yield_now().await;
        }
    };
    let failed = tokio::time::timeout(Duration::from_mins(1), failed).await.expect("given up");
    assert_eq!(failed.iter().map(|job| job.key.as_str()).collect::<Vec<_>>(), ["one"]);
    drop(connection);
    system.stop(replica).await;
}

#[tokio::test]
async fn a_full_queue_runs_in_order_and_delays_no_other_queue() {
    let mut system = System::new().await;
    let mut connection = system.pool().acquire().await.expect("a connection");
    let start = system.clock.now();
    // The first two jobs occupy both slots of the queue.
    QUEUE
        .schedule(&mut connection, [("waits".to_owned(), start - TimeDelta::days(1))])
        .await
        .expect("queued");
    let jobs = (0..5000).map(|number| (format!("{number:04}"), start - TimeDelta::seconds(5000 - number)));
    QUEUE.schedule(&mut connection, jobs).await.expect("queued");
    drop(connection);
    assert_eq!(system.state().await.backlog, Some(5001));
    let replica = system.start_replica();
    assert_eq!(system.next_start().await, "waits");
    let periodic = system.start_periodic(|| Ok(()));
    let (mut keys, mut chores) = (Vec::new(), 0);
    while keys.len() < 5000 {
        match system.next_start().await.as_str() {
            "chore" => chores += 1,
            key => keys.push(key.to_owned()),
        }
    }
    // One slot works on them, because the other one is occupied.
    assert!(keys.is_sorted(), "the longest waiting first");
    assert_eq!(chores, 1);
    system.resume.add_permits(1);
    system.wait_for(is_empty).await;
    system.shutdown.cancel();
    for replica in [replica, periodic] {
        replica.await.expect("no panic");
    }
}

#[tokio::test]
async fn an_unavailable_service_is_no_failure_of_the_job() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["is blocked"]).await;
    assert_eq!(system.next_start().await, "is blocked");
    let due_at = system.clock.now() + TimeDelta::seconds(1);
    system.wait_for(|state| state.due_at == Some(due_at)).await;
    let attempts: i32 =
        sqlx::query_scalar("select attempts from jobs").fetch_one(system.pool()).await.expect("query");
    assert_eq!(attempts, 0);
    system.clock.advance(TimeDelta::seconds(1));
    assert_eq!(system.next_start().await, "is blocked");
    system.stop(replica).await;
}

#[tokio::test]
async fn running_jobs_finish_at_shutdown() {
    let mut system = System::new().await;
    let replica = system.start_replica();
    system.enqueue(&["waits", "waits, too"]).await;
    for _ in 0..2 {
        system.next_start().await;
    }
    // Both slots of the queue are occupied.
    system.enqueue(&["later"]).await;
    system.shutdown.cancel();
    system.resume.add_permits(2);
    replica.await.expect("no panic");
    let state = system.state().await;
    assert_eq!((state.is_running, state.backlog), (false, Some(1)), "the later job waits for a replica");
    assert!(system.started.try_recv().is_err());
}

#[tokio::test]
async fn a_periodic_job_runs_once_per_interval_on_any_number_of_replicas() {
    let mut system = System::new().await;
    let replicas = [system.start_periodic(|| Ok(())), system.start_periodic(|| Ok(()))];
    assert_eq!(system.next_start().await, "chore");
    let next = system.clock.now() + TimeDelta::hours(1);
    let state = periodic_state(&system, |state| state.due_at == Some(next)).await;
    assert_eq!((state.backlog, state.finished_at), (None, Some(system.clock.now())));
    system.clock.advance(TimeDelta::minutes(59));
    let replicas = replicas.into_iter().chain([system.start_replica()]);
    system.enqueue(&["other"]).await;
    assert_eq!(system.next_start().await, "other", "the periodic job is not due");
    // While it runs, the next hour would end its lease.
    system.wait_for(is_empty).await;
    system.clock.advance(TimeDelta::minutes(1));
    assert_eq!(system.next_start().await, "chore");
    let next = system.clock.now() + TimeDelta::hours(1);
    periodic_state(&system, |state| state.due_at == Some(next)).await;
    let mut connection = system.pool().acquire().await.expect("a connection");
    assert!(kit_jobs::run_now(&mut connection, "chore", system.clock.now()).await.expect("query"));
    assert!(!kit_jobs::run_now(&mut connection, "unknown", system.clock.now()).await.expect("query"));
    drop(connection);
    assert_eq!(system.next_start().await, "chore", "an operator requested it");
    system.shutdown.cancel();
    for replica in replicas {
        replica.await.expect("no panic");
    }
    assert!(system.started.try_recv().is_err());
}

#[tokio::test]
async fn a_periodic_job_that_fails_or_panics_is_reported_and_retried() {
    let runs: [fn() -> Result<(), kit_jobs::BoxError>; 2] =
        [|| Err("no luck".into()), || panic!("a task that panics")];
    for run in runs {
        let mut system = System::new().await;
        let replica = system.start_periodic(run);
        for failures in 1..=6 {
            assert_eq!(system.next_start().await, "chore");
            let state = periodic_state(&system, |state| state.failures == failures).await;
            assert!(state.last_error.is_some());
            // It doubles from one minute up to the interval.
            let minutes = [1, 2, 4, 8, 16, 32].get(usize::try_from(failures - 1).expect("an index"));
            let delay = TimeDelta::minutes(*minutes.expect("a delay"));
            assert_eq!(state.due_at, Some(system.clock.now() + delay));
            system.clock.advance(delay);
        }
        assert!(system.failed().await.is_empty(), "it is never given up");
        system.stop(replica).await;
    }
}

/// Waits for a state of the periodic job.
async fn periodic_state(system: &System, is_reached: impl Fn(&JobState) -> bool) -> JobState {
    let reached = async {
        loop {
            let mut connection = system.pool().acquire().await.expect("a connection");
            let states =
                kit_jobs::list(&mut connection, &[QUEUE.name], system.clock.now()).await.expect("states");
            drop(connection);
            if let Some(state) = states.into_iter().find(|state| state.name == "chore" && is_reached(state)) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the state is reached")
}
