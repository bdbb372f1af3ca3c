//! The graceful shutdown of a process.
//!
//! On SIGTERM or Ctrl-C, health changes to NOT_SERVING, and a short delay lets load balancers
//! notice. Then listeners close and active calls finish; after the drain timeout the others are
//! aborted. Workers stop last, between two items.

use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A task that runs with the RPC server until its token is canceled.
pub type BackgroundTask = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// The timeouts of a shutdown.
#[derive(Debug, Clone, Copy)]
pub struct ShutdownTimeouts {
    /// Delay between NOT_SERVING and the closing of the listeners.
    pub not_ready_delay: Duration,
    /// Time in which active calls, and then workers, have to finish.
    pub drain_timeout: Duration,
}

/// The phases of a process's shutdown.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Canceled when health changes to NOT_SERVING.
    pub not_ready: CancellationToken,
    /// Canceled when listeners close.
    pub listeners: CancellationToken,
    /// Canceled when workers stop.
    pub workers: CancellationToken,
    /// Tasks that the shutdown waits for.
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// Spawns a task that ends by itself during the shutdown.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> JoinHandle<()> {
        self.tasks.spawn(future)
    }

    /// Spawns tasks that run until workers stop.
    pub fn start_background_tasks(&self, tasks: Vec<BackgroundTask>) {
        for task in tasks {
            self.spawn(task(self.workers.clone()));
        }
    }

    /// Runs all phases until everything has ended or the timeouts have passed.
    pub async fn run(&self, timeouts: ShutdownTimeouts, servers: Vec<JoinHandle<()>>) {
        self.not_ready.cancel();
        tokio::time::sleep(timeouts.not_ready_delay).await;
        self.listeners.cancel();
        let aborts: Vec<_> = servers.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(timeouts.drain_timeout, join_all(servers)).await.is_err() {
            tracing::warn!("some calls did not finish within the drain timeout and were aborted");
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        self.workers.cancel();
        self.tasks.close();
        if tokio::time::timeout(timeouts.drain_timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!("some workers did not finish within the drain timeout");
        }
    }
}

/// Completes on SIGTERM or Ctrl-C.
pub async fn shutdown_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
