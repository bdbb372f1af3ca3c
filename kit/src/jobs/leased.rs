//! Work with an effect outside the database, off a queue that is a table.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::events::Bell;

/// How often the queue is looked at when no bell rings.
const POLL: Duration = Duration::from_millis(500);

/// A queue of work.
pub trait Work: Send + Sync + 'static {
    type Item: Send;

    /// Leases up to `limit` due items to this process and commits.
    fn claim(&self, limit: i64) -> impl Future<Output = Result<Vec<Self::Item>, sqlx::Error>> + Send;

    /// Does one item, with no transaction open, and marks its outcome.
    fn perform(&self, item: Self::Item) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Works off `work` until `shutdown`, at most `concurrency` items at a time; a
/// slow one holds up nobody but itself. An item whose process dies is leased
/// again when its lease has run out.
pub async fn run(work: impl Work, bell: Bell, concurrency: usize, shutdown: CancellationToken) {
    let mut listener = bell.listen();
    let mut running = FuturesUnordered::new();
    while !shutdown.is_cancelled() {
        let free = concurrency.saturating_sub(running.len());
        let mut found = 0;
        if free > 0 {
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            match work.claim(limit).await {
                Ok(items) => {
                    found = items.len();
                    running.extend(items.into_iter().map(|item| perform(&work, item)));
                }
                Err(error) => {
                    tracing::warn!(error = %crate::error::chain(&error), "work could not be claimed");
                }
            }
        }
        let queue_is_empty = found < free;
        tokio::select! {
            () = shutdown.cancelled() => {}
            Some(()) = running.next(), if !running.is_empty() => {}
            () = listener.wait(POLL), if queue_is_empty => {}
        }
    }
    // What is begun is ended.
    while running.next().await.is_some() {}
}

async fn perform<W: Work>(work: &W, item: W::Item) {
    match AssertUnwindSafe(work.perform(item)).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %crate::error::chain(&error), "outcome of work could not be marked");
        }
        // Its lease runs out and it is tried again.
        Err(_panic) => tracing::error!("an item of work panicked"),
    }
}
