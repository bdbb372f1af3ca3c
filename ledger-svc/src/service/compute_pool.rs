//! Runs long computations outside of the threads that serve requests.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::error::Error;

/// Concurrent computations; further ones wait.
const MAX_CONCURRENT_COMPUTATIONS: usize = 2;

#[derive(Debug)]
pub(super) struct ComputePool(Arc<Semaphore>);

impl Default for ComputePool {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONCURRENT_COMPUTATIONS)))
    }
}

impl ComputePool {
    /// Runs `work` on a blocking thread, to completion even if the caller cancels.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.0).acquire_owned().await.ok();
        let computed = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        computed.await.map_err(|error| Error::Internal(error.to_string()))
    }
}
