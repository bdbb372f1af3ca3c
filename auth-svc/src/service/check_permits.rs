//! Permits for checks of passwords and codes.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The number of concurrent checks of one name.
/// An attempt counts as a failure until it succeeds, so more concurrent logins of one user would
/// block each other. Two replicas together stay below the number of free attempts.
const MAX_CONCURRENT_CHECKS: usize = 2;

/// Permits for checks; names share 256 semaphores, which rarely costs time.
#[derive(Debug)]
pub(super) struct CheckPermits([Semaphore; 256]);

impl Default for CheckPermits {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(MAX_CONCURRENT_CHECKS)))
    }
}

impl CheckPermits {
    /// Waits until fewer than the maximum of checks with this key are running.
    pub(super) async fn acquire(&self, key: &[u8; 32]) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0[usize::from(key[0])].acquire().await.ok()
    }
}
