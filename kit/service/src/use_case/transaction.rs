use std::ops::{Deref, DerefMut};

use kit_core::wake_signal::WakeSignal;
use kit_db::idempotency::{self, Key};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::actor::Actor;
use super::change::{Change, ChangeRecorder};
use super::error::Error;
use super::write_context::WriteContext;

/// The transaction of a use case, which records the changes that it makes.
/// Without a commit it is rolled back.
#[derive(Debug)]
pub struct WriteTransaction {
    pub(super) transaction: Transaction<'static, Postgres>,
    pub(super) actor: Actor,
    /// Idempotency key that the transaction claimed.
    pub(super) key: Option<Key>,
    pub(super) recorder: ChangeRecorder,
    /// Signals to wake after the commit.
    pub(super) signals: [WakeSignal; 2],
}

impl WriteTransaction {
    /// Returns the author of the changes.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Changes the author of the following changes, such as a user who has just logged in.
    pub fn set_actor(&mut self, actor: impl Into<Actor>) {
        self.actor = actor.into();
    }

    /// Records a change of the actor in its household; see [`Change`].
    pub async fn record(
        &mut self,
        entity: &'static str,
        entity_id: Uuid,
        version: i64,
        kind: &'static str,
        changed: &[&str],
    ) -> Result<(), sqlx::Error> {
        let Actor { household_id, user_id, .. } = self.actor;
        self.record_change(Change { household_id, user_id, entity, entity_id, version, kind, changed }).await
    }

    /// Records a change that the actor makes to any user or household.
    pub async fn record_change(&mut self, change: Change<'_>) -> Result<(), sqlx::Error> {
        self.recorder.record(&mut self.transaction, change, &self.actor.origin).await
    }

    /// Commits a request whose response has no fields.
    pub async fn commit(mut self) -> Result<(), Error> {
        if let Some(key) = &self.key {
            idempotency::store(&mut self.transaction, key, &[]).await?;
        }
        self.commit_and_wake().await
    }

    /// Stores the response for the idempotency key, if there is one, and commits.
    pub async fn commit_with<T>(mut self, ctx: &WriteContext<T>, value: T) -> Result<T, Error> {
        if let Some(key) = &self.key {
            idempotency::store(&mut self.transaction, key, &ctx.encode(&value)).await?;
        }
        self.commit_and_wake().await?;
        Ok(value)
    }

    async fn commit_and_wake(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        self.signals.iter().for_each(WakeSignal::wake);
        Ok(())
    }

    /// Discards the changes and releases the idempotency key.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }
}

impl Deref for WriteTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
