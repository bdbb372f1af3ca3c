//! Idempotency: a request that is sent twice takes effect once.

use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::{self, Claim, IdempotentResult, Key};
use sqlx::PgConnection;

use super::IdentityUseCases;
use crate::error::Error;

impl IdentityUseCases {
    /// Claims `key`; returns the stored response if the key was used before.
    pub(super) async fn claim_key<T>(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<IdempotentResult<T>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::New => Ok(None),
            Claim::Replay(response) => Ok(Some(IdempotentResult::Replayed(response))),
            Claim::KeyMismatch => Err(ProblemCode::IdempotencyKeyReused.into()),
        }
    }

    /// Stores the response for later requests with `key`.
    pub(super) async fn store_response(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
        response: &[u8],
    ) -> Result<(), sqlx::Error> {
        match key {
            Some(key) => idempotency::store(connection, key, response).await,
            None => Ok(()),
        }
    }
}
