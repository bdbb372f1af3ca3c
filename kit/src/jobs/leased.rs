//! Leased work from a queue table, with effects outside the database.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events::WakeSignal;

/// The interval at which the queue is polled without a wake signal.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A worker that processes the items of a queue.
pub trait Worker: Send + Sync + 'static {
    /// An item of the queue.
    type Item: Send + 'static;

    /// Leases up to `limit` due items to this process and commits.
    fn claim(&self, limit: i64) -> impl Future<Output = Result<Vec<Self::Item>, sqlx::Error>> + Send;

    /// Processes an item without an open transaction, and records its outcome.
    fn handle(&self, item: Self::Item) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Processes items until `shutdown`, at most `concurrency` at a time.
/// A slow item delays no other. An item whose process dies is leased again when its lease has
/// expired.
pub async fn run(
    worker: impl Worker,
    wake_signal: WakeSignal,
    concurrency: usize,
    shutdown: CancellationToken,
) {
    let (worker, mut listener) = (Arc::new(worker), wake_signal.subscribe());
    // Tasks of their own continue while this one waits for a connection to claim more.
    let mut running = JoinSet::new();
    while !shutdown.is_cancelled() {
        let free = concurrency.saturating_sub(running.len());
        let mut found = 0;
        if free > 0 {
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            match worker.claim(limit).await {
                Ok(items) => {
                    found = items.len();
                    for item in items {
                        running.spawn(handle_item(Arc::clone(&worker), item));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %crate::error::chain(&error), "work could not be claimed");
                }
            }
        }
        let queue_is_empty = found < free;
        tokio::select! {
            () = shutdown.cancelled() => {}
            Some(_ended) = running.join_next() => {}
            () = listener.wait(POLL_INTERVAL), if queue_is_empty => {}
        }
    }
    // Items in progress are finished.
    while running.join_next().await.is_some() {}
}

async fn handle_item<W: Worker>(worker: Arc<W>, item: W::Item) {
    match AssertUnwindSafe(worker.handle(item)).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %crate::error::chain(&error), "outcome of work could not be recorded");
        }
        // The lease expires and the item is retried.
        Err(_panic) => tracing::error!("item of work panicked"),
    }
}
