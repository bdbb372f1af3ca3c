//! The base of use cases: their state, transactions, idempotency keys, events and errors.
//!
//! A use case that writes begins a transaction, records the changes that it makes, and commits. With
//! an idempotency key, the response is stored in the same transaction, and a repeated request fails
//! with [`Error::Replayed`], which the gRPC handler turns into the stored response.

mod actor;
mod change;
mod error;
mod transaction;
mod write_context;

use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::error::ProblemCode;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::idempotency::{self, Claim};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

pub use actor::Actor;
pub use change::EntityChange;
pub use error::Error;
pub use transaction::WriteTransaction;
pub use write_context::WriteContext;

use change::ChangeRecorder;
use transaction::ClaimedKey;

use crate::dependencies::ServiceDependencies;

/// The state that all use cases of a service need.
#[derive(Debug, Clone)]
pub struct UseCases {
    /// Source of the current time.
    pub clock: Clock,
    /// Source of ids and random bytes.
    pub random: Random,
    /// Connections to the service's schema.
    pub pool: PgPool,
    /// Signal that wakes the readers of the event log.
    pub event_log_signal: WakeSignal,
    /// Signal that wakes the workers.
    pub job_signal: WakeSignal,
}

impl UseCases {
    /// Creates the state from the service's dependencies.
    pub fn new(deps: &ServiceDependencies) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            pool: deps.pool.clone(),
            event_log_signal: deps.event_log_signal.clone(),
            job_signal: deps.job_signal.clone(),
        }
    }

    /// Creates an id of the current time.
    pub fn new_id(&self) -> Uuid {
        self.random.id(self.clock.now())
    }

    /// Begins a transaction whose changes are made by `actor`.
    pub async fn begin(&self, actor: impl Into<Actor>) -> Result<WriteTransaction, Error> {
        let transaction = self.pool.begin().await?;
        Ok(self.write_transaction(transaction, actor.into(), None))
    }

    /// Begins a transaction and claims the request's idempotency key, if any.
    /// Waits for a simultaneous request with the same key.
    pub async fn begin_idempotent<T>(&self, ctx: &WriteContext<T>) -> Result<WriteTransaction<T>, Error> {
        let mut transaction = self.pool.begin().await?;
        if let Some(key) = &ctx.key {
            match idempotency::claim(&mut transaction, key, self.clock.now()).await? {
                Claim::New => {}
                Claim::Replay(response) => return Err(Error::Replayed(response)),
                Claim::KeyMismatch => return Err(ProblemCode::IdempotencyKeyReused.into()),
            }
        }
        let claim = ctx.key.clone().map(|key| ClaimedKey { key, encode: ctx.encode });
        Ok(self.write_transaction(transaction, Actor::from(&ctx.request), claim))
    }

    fn write_transaction<T>(
        &self,
        transaction: Transaction<'static, Postgres>,
        actor: Actor,
        claim: Option<ClaimedKey<T>>,
    ) -> WriteTransaction<T> {
        let signals = [self.event_log_signal.clone(), self.job_signal.clone()];
        WriteTransaction { transaction, actor, claim, recorder: self.recorder(), has_changes: false, signals }
    }

    fn recorder(&self) -> ChangeRecorder {
        ChangeRecorder { clock: self.clock.clone(), random: self.random.clone() }
    }

    /// Fails with [`Error::Replayed`] if the request's key has a stored response.
    pub async fn replay<T>(&self, ctx: &WriteContext<T>) -> Result<(), Error> {
        self.begin_idempotent(ctx).await?.rollback().await
    }

    /// Records a change in the event log, in the transaction of `connection`.
    pub async fn record_change(
        &self,
        connection: &mut PgConnection,
        change: EntityChange<'_>,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        self.recorder().record(connection, change, origin).await
    }
}
