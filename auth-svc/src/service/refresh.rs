//! Exchanges a refresh token for the next pair of tokens.
//! Each token is valid once. A second use means that the token was stolen, and ends the session,
//! unless it is the retry of a request whose response was lost.

use chrono::TimeDelta;
use kit_access::caller::RequestOrigin;
use kit_core::error::ProblemCode;
use sqlx::PgConnection;

use super::{IdentityUseCases, TokenPair};
use crate::error::Error;
use crate::store::refresh_tokens::{self, RefreshToken};
use crate::store::sessions::{self, Session};
use crate::store::users;

/// The time after its use in which a token gets the same successor again.
const GRACE_PERIOD: TimeDelta = TimeDelta::seconds(30);

impl IdentityUseCases {
    pub async fn refresh(&self, refresh_token: &str, origin: &RequestOrigin) -> Result<TokenPair, Error> {
        let hash = self.secrets.refresh_hash(refresh_token);
        let mut transaction = self.begin(origin).await?;
        let found = refresh_tokens::find(&mut transaction, &hash).await?;
        let found = found.ok_or(ProblemCode::RefreshTokenInvalid)?;
        // The lock serializes refreshes of a session, so the token is read again.
        let session = sessions::lock(&mut transaction, found.session_id).await?;
        let session = session.ok_or(ProblemCode::RefreshTokenInvalid)?;
        let token = refresh_tokens::find(&mut transaction, &hash).await?;
        let token = token.ok_or(ProblemCode::RefreshTokenInvalid)?;
        if !session.is_live(self.clock.now()) {
            return Err(ProblemCode::RefreshTokenInvalid.into());
        }
        let successor = self.secrets.successor(refresh_token);
        if token.consumed_at.is_none() {
            self.rotate(&mut transaction, &session, &hash, &successor).await?;
        } else if !self.is_retry(&mut transaction, &token).await? {
            let (user_id, session_id) = (session.user_id, session.id);
            self.end_session(&mut transaction, user_id, session_id).await?;
            let kind = "refresh_token_reused";
            self.record_security_event(&mut transaction, Some(user_id), kind, Some(session_id)).await?;
            self.publish(transaction.commit()).await?;
            return Err(ProblemCode::RefreshTokenReused.into());
        }
        let profile = users::profile(&mut transaction, session.user_id).await?;
        let profile = profile.ok_or(ProblemCode::RefreshTokenInvalid)?;
        let session = sessions::lock(&mut transaction, session.id).await?;
        let session = session.ok_or(ProblemCode::RefreshTokenInvalid)?;
        let pair = self.token_pair(&session, &profile, successor)?;
        transaction.commit().await?;
        Ok(pair)
    }

    async fn rotate(
        &self,
        connection: &mut PgConnection,
        session: &Session,
        hash: &[u8],
        successor: &str,
    ) -> Result<(), sqlx::Error> {
        let (now, next) = (self.clock.now(), self.secrets.refresh_hash(successor));
        refresh_tokens::insert(connection, &next, session.id, now).await?;
        refresh_tokens::consume(connection, hash, &next, now).await?;
        let idle_expires_at = (now + self.config.refresh_token_lifetime).min(session.expires_at);
        let access_expires_at = now + self.config.access_token_lifetime;
        sessions::touch(connection, session.id, now, idle_expires_at, access_expires_at).await
    }

    /// Returns whether the token was just used and its successor was not.
    async fn is_retry(
        &self,
        connection: &mut PgConnection,
        token: &RefreshToken,
    ) -> Result<bool, sqlx::Error> {
        let recent =
            token.consumed_at.is_some_and(|consumed_at| self.clock.now() - consumed_at <= GRACE_PERIOD);
        let (true, Some(successor)) = (recent, &token.successor_hash) else { return Ok(false) };
        let successor = refresh_tokens::find(connection, successor).await?;
        Ok(successor.is_some_and(|successor| successor.consumed_at.is_none()))
    }
}
