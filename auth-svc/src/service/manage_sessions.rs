//! Lists and ends the caller's sessions, one of them or all.

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation};
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::sessions::SessionSummary;
use crate::store::{refresh_tokens, sessions, users};

impl IdentityUseCases {
    /// Lists the live sessions, the most recently seen first.
    pub async fn list_sessions(&self, ctx: &RequestContext) -> Result<Vec<SessionSummary>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(sessions::list_live(&mut connection, ctx.principal.user_id, self.clock.now()).await?)
    }

    pub async fn revoke_session(&self, ctx: &RequestContext, session_id: Uuid) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.begin(ctx).await?;
        users::lock(&mut transaction, user_id).await?;
        let session = sessions::lock(&mut transaction, session_id).await?;
        if !session.is_some_and(|session| session.user_id == user_id && session.is_live(self.clock.now())) {
            return Err(Error::not_found("session"));
        }
        // Ending the current session is a logout, which needs no reauthentication.
        if session_id != ctx.principal.session_id {
            self.ensure_reauthenticated(&mut transaction, ctx).await?;
        }
        self.end_session(&mut transaction, user_id, session_id).await?;
        self.publish(transaction.commit()).await
    }

    /// Ends the session of `refresh_token`, which must belong to the caller.
    /// If the token is empty, it ends the caller's current session.
    pub async fn logout(&self, ctx: &RequestContext, refresh_token: &str) -> Result<(), Error> {
        let (user_id, mut session_id) = (ctx.principal.user_id, ctx.principal.session_id);
        let foreign = || FieldViolation::from_code("refresh_token", FieldCode::RefreshTokenInvalid);
        let mut transaction = self.begin(ctx).await?;
        if !refresh_token.is_empty() {
            let hash = self.secrets.refresh_hash(refresh_token);
            let token = refresh_tokens::find(&mut transaction, &hash).await?.ok_or_else(foreign)?;
            let session = sessions::lock(&mut transaction, token.session_id).await?;
            session_id = session.filter(|session| session.user_id == user_id).ok_or_else(foreign)?.id;
        }
        self.end_session(&mut transaction, user_id, session_id).await?;
        self.publish(transaction.commit()).await
    }

    pub async fn logout_all(&self, ctx: &RequestContext) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.begin(ctx).await?;
        // A concurrent login is either seen here and ended, or starts after this transaction.
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        self.end_all_sessions(&mut transaction, user_id).await?;
        self.publish(transaction.commit()).await
    }
}
