//! Tests of periodic jobs and of leased work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::events::WakeSignal;
use fintrac_kit::jobs::{PeriodicJob, leased};
use fintrac_kit::testing::TestDatabase;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::support::{clock, schema};

#[tokio::test]
async fn a_job_runs_once_per_period_on_any_number_of_replicas() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let job = PeriodicJob { name: "job", interval: TimeDelta::hours(1), pool, clock: clock.clone() };
    let runs = AtomicU32::new(0);
    let run = async || {
        runs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let ran = futures::future::try_join_all((0..4).map(|_| job.run_if_due(run))).await.expect("query");
    assert_eq!((ran.iter().filter(|ran| **ran).count(), runs.load(Ordering::Relaxed)), (1, 1));
    clock.advance(TimeDelta::minutes(59));
    assert!(!job.run_if_due(run).await.expect("query"), "not due");
    clock.advance(TimeDelta::minutes(1));
    assert!(job.run_if_due(run).await.expect("query"), "due");
}

#[tokio::test]
async fn a_failed_run_is_reported_and_retried() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let job =
        PeriodicJob { name: "job", interval: TimeDelta::hours(1), pool: pool.clone(), clock: clock.clone() };
    assert!(job.run_if_due(async || Err(sqlx::Error::RowNotFound.into())).await.expect("query"));
    let (failures, error): (i32, Option<String>) =
        sqlx::query_as("select failures, last_error from jobs").fetch_one(&pool).await.expect("query");
    assert!(failures == 1 && error.is_some());
    clock.advance(TimeDelta::minutes(1));
    assert!(job.run_if_due(async || Ok(())).await.expect("query"), "before the next period");
    let failures: i32 =
        sqlx::query_scalar("select failures from jobs").fetch_one(&pool).await.expect("query");
    assert_eq!(failures, 0);
}

/// Waiting items, and the items that were handled.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Vec<u32>>,
    handled: Mutex<Vec<u32>>,
    done: Notify,
    resume: Notify,
}

struct RecordingWorker(Arc<Queue>);

/// The item that panics.
const PANICS: u32 = 13;
/// The item that waits until it is resumed.
const SLOW: u32 = 99;

impl leased::Worker for RecordingWorker {
    type Item = u32;

    async fn claim(&self, limit: i64) -> Result<Vec<u32>, sqlx::Error> {
        let mut waiting = self.0.waiting.lock().await;
        let count = waiting.len().min(usize::try_from(limit).unwrap_or_default());
        Ok(waiting.drain(..count).collect())
    }

    async fn handle(&self, item: u32) -> Result<(), sqlx::Error> {
        assert_ne!(item, PANICS, "this item panics");
        if item == SLOW {
            self.0.resume.notified().await;
        }
        self.0.handled.lock().await.push(item);
        self.0.done.notify_one();
        Ok(())
    }
}

#[tokio::test]
async fn a_wake_signal_wakes_a_waiting_worker() {
    let (queue, wake_signal, shutdown) =
        (Arc::new(Queue::default()), WakeSignal::default(), CancellationToken::new());
    let running =
        tokio::spawn(leased::run(RecordingWorker(queue.clone()), wake_signal.clone(), 2, shutdown.clone()));
    for item in 0..3 {
        queue.waiting.lock().await.push(item);
        wake_signal.wake();
        queue.done.notified().await;
    }
    shutdown.cancel();
    running.await.expect("no panic");
    assert_eq!(*queue.handled.lock().await, [0, 1, 2]);
}

#[tokio::test]
async fn a_slow_item_delays_no_other() {
    let (queue, wake_signal, shutdown) =
        (Arc::new(Queue::default()), WakeSignal::default(), CancellationToken::new());
    queue.waiting.lock().await.extend([SLOW, 1, 2, 3]);
    let running =
        tokio::spawn(leased::run(RecordingWorker(queue.clone()), wake_signal.clone(), 2, shutdown.clone()));
    let others = async {
        while queue.handled.lock().await.len() < 3 {
            queue.done.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), others).await.expect("the other items are handled");
    shutdown.cancel();
    queue.resume.notify_one();
    running.await.expect("the item in progress is finished");
    assert_eq!(*queue.handled.lock().await, [1, 2, 3, SLOW]);
}

#[tokio::test]
async fn an_item_that_panics_stops_no_other() {
    let (queue, wake_signal, shutdown) =
        (Arc::new(Queue::default()), WakeSignal::default(), CancellationToken::new());
    queue.waiting.lock().await.extend([PANICS, 1]);
    let running =
        tokio::spawn(leased::run(RecordingWorker(queue.clone()), wake_signal.clone(), 1, shutdown.clone()));
    queue.done.notified().await;
    shutdown.cancel();
    running.await.expect("the worker survives the panic");
    assert_eq!(*queue.handled.lock().await, [1]);
}

#[tokio::test]
async fn a_job_that_panics_counts_as_failed() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let job =
        PeriodicJob { name: "job", interval: TimeDelta::hours(1), pool: pool.clone(), clock: clock.clone() };
    assert!(job.run_if_due(async || panic!("a task that panics")).await.expect("query"));
    let failures: i32 =
        sqlx::query_scalar("select failures from jobs").fetch_one(&pool).await.expect("query");
    assert_eq!(failures, 1);
}
