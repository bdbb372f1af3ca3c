use std::ops::{Deref, DerefMut};

use kit_core::wake_signal::WakeSignal;
use kit_db::idempotency::{self, Key};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::actor::Actor;
use super::change::{ChangeRecorder, EntityChange};
use super::error::Error;

/// The transaction of a use case, which records the changes that it makes.
///
/// Without a commit it is rolled back. `T` is the result of a use case with an idempotency key.
#[derive(Debug)]
pub struct WriteTransaction<T = ()> {
    pub(super) transaction: Transaction<'static, Postgres>,
    pub(super) actor: Actor,
    pub(super) claim: Option<ClaimedKey<T>>,
    pub(super) recorder: ChangeRecorder,
    pub(super) has_changes: bool,
    /// Signals of the event log and the workers.
    pub(super) signals: [WakeSignal; 2],
}

/// A claimed idempotency key and the encoder of the response to store for it.
#[derive(Debug)]
pub(super) struct ClaimedKey<T> {
    pub key: Key,
    pub encode: fn(&T) -> Vec<u8>,
}

impl WriteTransaction {
    /// Commits a use case without a result.
    pub async fn commit(self) -> Result<(), Error> {
        self.commit_with(()).await
    }
}

impl<T> WriteTransaction<T> {
    /// Returns the author of the changes.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Sets the actor of later changes, such as a user who has just logged in.
    pub fn set_actor(&mut self, actor: impl Into<Actor>) {
        self.actor = actor.into();
    }

    /// Records a change of the actor in its household; see [`EntityChange`].
    pub async fn record(
        &mut self,
        entity: &'static str,
        entity_id: Uuid,
        version: i64,
        kind: &'static str,
        changed: &[&str],
    ) -> Result<(), sqlx::Error> {
        let Actor { household_id, user_id, .. } = self.actor;
        self.record_change(EntityChange { household_id, user_id, entity, entity_id, version, kind, changed })
            .await
    }

    /// Records a change that the actor makes to any user or household.
    pub async fn record_change(&mut self, change: EntityChange<'_>) -> Result<(), sqlx::Error> {
        self.has_changes = true;
        self.recorder.record(&mut self.transaction, change, &self.actor.origin).await
    }

    /// Stores the response for the idempotency key, if there is one, and commits.
    /// Wakes the readers of the event log and the workers after changes.
    pub async fn commit_with(mut self, value: T) -> Result<T, Error> {
        if let Some(ClaimedKey { key, encode }) = &self.claim {
            idempotency::store(&mut self.transaction, key, &encode(&value)).await?;
        }
        self.transaction.commit().await?;
        if self.has_changes {
            self.signals.iter().for_each(WakeSignal::wake);
        }
        Ok(value)
    }

    /// Discards the changes and releases the idempotency key.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }
}

impl<T> Deref for WriteTransaction<T> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl<T> DerefMut for WriteTransaction<T> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
