//! Starts the erasure of accounts at the end of the grace period.
//! It records in the event log that every service must erase the user's data, and queues the
//! erasure in this service.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::erasure::{self, Subject};
use fintrac_kit::events::{self, NewEvent};
use sqlx::PgConnection;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::{households, sessions, users};

impl IdentityUseCases {
    /// Starts the erasure of all accounts that are due, one transaction each.
    pub async fn erase_accounts(&self) -> Result<(), sqlx::Error> {
        loop {
            let mut transaction = self.pool.begin().await?;
            let now = self.clock.now();
            let Some(user_id) = users::lock_due_for_erasure(&mut transaction, now).await? else {
                return Ok(());
            };
            match self.erase_account(&mut transaction, user_id).await {
                Ok(()) => transaction.commit().await?,
                Err(Error::Database(error)) => return Err(error),
                Err(error) => return Err(sqlx::Error::Protocol(error.to_string())),
            }
            self.event_log_signal.wake();
            self.job_signal.wake();
        }
    }

    async fn erase_account(&self, connection: &mut PgConnection, user_id: Uuid) -> Result<(), Error> {
        let (now, origin) =
            (self.clock.now(), RequestOrigin { actor: "auth".to_owned(), ..RequestOrigin::default() });
        for session_id in sessions::lock_open(connection, user_id).await? {
            self.end_session(connection, user_id, session_id, &origin).await?;
        }
        let version = users::increment_version(connection, user_id, now).await?;
        users::set_erased(connection, user_id, now).await?;
        let owned = households::list_owned_by(connection, user_id).await?;
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
                origin: &origin,
                occurred_at: now,
            };
            events::append(connection, &event).await?;
            erasure::enqueue(connection, &Subject { event_id, user_id, household_id }, now).await?;
        }
        Ok(())
    }
}
