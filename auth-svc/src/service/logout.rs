//! Ends one session, or all sessions of a user.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::{Principal, RequestContext};
use fintrac_kit::error::{FieldCode, FieldViolation};

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::{refresh_tokens, sessions, users};

impl IdentityUseCases {
    /// Ends the session of `refresh_token`, which must belong to the caller.
    /// If the token is empty, it ends the caller's current session.
    pub async fn logout(
        &self,
        principal: &Principal,
        refresh_token: &str,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let mut session_id = principal.session_id;
        if !refresh_token.is_empty() {
            let hash = self.secrets.refresh_hash(refresh_token);
            let token =
                refresh_tokens::find(&mut transaction, &hash).await?.ok_or_else(foreign_refresh_token)?;
            let session = sessions::lock(&mut transaction, token.session_id)
                .await?
                .ok_or_else(foreign_refresh_token)?;
            if session.user_id != principal.user_id {
                return Err(foreign_refresh_token());
            }
            session_id = session.id;
        }
        self.end_session(&mut transaction, principal.user_id, session_id, origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }

    pub async fn logout_all(&self, ctx: &RequestContext) -> Result<(), Error> {
        let (user_id, origin) = (ctx.principal.user_id, &ctx.origin);
        let mut transaction = self.pool.begin().await?;
        // A concurrent login is either seen here and ended, or starts after this transaction.
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        for session_id in sessions::lock_open(&mut transaction, user_id).await? {
            self.end_session(&mut transaction, user_id, session_id, origin).await?;
        }
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }
}

fn foreign_refresh_token() -> Error {
    Error::Invalid(vec![FieldViolation::from_code("refresh_token", FieldCode::RefreshTokenInvalid)])
}
