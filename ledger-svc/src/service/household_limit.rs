//! Limits the concurrent work of one household, so that it delays no other.

use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// A fixed number of semaphores that all households share.
///
/// Two households on one semaphore delay each other only for a moment.
#[derive(Debug)]
pub(super) struct HouseholdLimit([Semaphore; 256]);

impl HouseholdLimit {
    pub fn new(max_concurrent: usize) -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(max_concurrent)))
    }

    /// Waits for a permit of the household; dropping it frees the slot.
    pub async fn acquire(&self, household_id: Uuid) -> Option<SemaphorePermit<'_>> {
        // The last byte of an id is random.
        let [.., last] = household_id.into_bytes();
        // The semaphore is never closed.
        self.0[usize::from(last)].acquire().await.ok()
    }
}
