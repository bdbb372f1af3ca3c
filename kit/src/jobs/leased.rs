//! Work with an effect outside the database, off a queue that is a table.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, stream};
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

/// Works off `work` until `shutdown`, at most `concurrency` items at a time.
/// An item whose process dies is leased again when its lease has run out.
pub async fn run(work: impl Work, bell: Bell, concurrency: usize, shutdown: CancellationToken) {
    let mut listener = bell.listen();
    let limit = i64::try_from(concurrency).unwrap_or(i64::MAX);
    while !shutdown.is_cancelled() {
        let items = match work.claim(limit).await {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(error = %crate::error::chain(&error), "work could not be claimed");
                Vec::new()
            }
        };
        if items.is_empty() {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = listener.wait(POLL) => {}
            }
            continue;
        }
        stream::iter(items)
            .for_each_concurrent(concurrency, async |item| {
                match AssertUnwindSafe(work.perform(item)).catch_unwind().await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(error = %crate::error::chain(&error), "outcome of work could not be marked");
                    }
                    // Its lease runs out and it is tried again.
                    Err(_panic) => tracing::error!("an item of work panicked"),
                }
            })
            .await;
    }
}
