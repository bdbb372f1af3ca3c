//! Requests that come twice and are done once.

use fintrac_kit::idempotency::{self, Claim, Kept, Key};
use sqlx::PgConnection;

use super::Identity;
use crate::error::Error;

impl Identity {
    /// Claims `key`; what the first request with it got, if there was one.
    pub(super) async fn claim<T>(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<Kept<T>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::Fresh => Ok(None),
            Claim::Replay(reply) => Ok(Some(Kept::Replayed(reply))),
            Claim::Reused => Err(Error::KeyReused),
        }
    }

    /// Keeps the answer for the next request with `key`.
    pub(super) async fn keep(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
        reply: &[u8],
    ) -> Result<(), sqlx::Error> {
        match key {
            Some(key) => idempotency::store(connection, key, reply).await,
            None => Ok(()),
        }
    }
}
