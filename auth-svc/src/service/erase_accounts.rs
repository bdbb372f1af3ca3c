//! Starts the erasure of accounts at the end of the grace period.
//! It records in the event log that every service must erase the user's data, and queues the
//! erasure in this service.

use kit_access::caller::RequestOrigin;
use kit_events::NewEvent;
use kit_service::erasure::{self, Subject};
use kit_service::use_case::WriteTransaction;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::{households, users};

impl IdentityUseCases {
    /// Starts the erasure of all accounts that are due, one transaction each.
    pub async fn erase_accounts(&self) -> Result<(), Error> {
        let origin = RequestOrigin { actor: "auth".to_owned(), ..RequestOrigin::default() };
        loop {
            let mut transaction = self.begin(&origin).await?;
            let due = users::lock_due_for_erasure(&mut transaction, self.clock.now()).await?;
            let Some(user_id) = due else { return Ok(()) };
            self.erase_account(&mut transaction, user_id, &origin).await?;
            transaction.commit().await?;
        }
    }

    async fn erase_account(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        self.end_all_sessions(transaction, user_id).await?;
        let now = self.clock.now();
        let version = users::increment_version(transaction, user_id, now).await?;
        users::set_erased(transaction, user_id, now).await?;
        let owned = households::list_owned_by(transaction, user_id).await?;
        // One event for each household, or one event if the user owns none.
        let household_ids = if owned.is_empty() { vec![None] } else { owned.into_iter().map(Some).collect() };
        for household_id in household_ids {
            let event_id = self.random.id(now);
            let event = NewEvent {
                id: event_id,
                household_id,
                user_id: Some(user_id),
                entity: "user",
                entity_id: user_id,
                version,
                kind: "erased",
                changed: &[],
                origin,
                occurred_at: now,
            };
            kit_events::append(transaction, &event).await?;
            erasure::enqueue(transaction, &Subject { event_id, user_id, household_id }, now).await?;
        }
        Ok(())
    }
}
