//! How much of something one household has at once; the rest of it waits for its
//! turn while others go on.

use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// Households share a few hundred counts, which costs them a moment.
#[derive(Debug)]
pub(super) struct HouseholdLimit([Semaphore; 256]);

impl HouseholdLimit {
    pub fn new(max_concurrent: usize) -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(max_concurrent)))
    }

    /// Waits for the household's turn; the permit is returned when it is dropped.
    pub async fn acquire(&self, household_id: Uuid) -> Option<SemaphorePermit<'_>> {
        // The last byte of an id is random.
        let [.., last] = household_id.into_bytes();
        // Never closed.
        self.0[usize::from(last)].acquire().await.ok()
    }
}
