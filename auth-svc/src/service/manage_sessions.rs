//! Lists and revokes the caller's sessions.

use fintrac_kit::access::RequestContext;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::sessions::{self, SessionSummary};
use crate::store::users;

impl IdentityUseCases {
    /// Lists the live sessions, the most recently seen first.
    pub async fn list_sessions(&self, ctx: &RequestContext) -> Result<Vec<SessionSummary>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(sessions::list_live(&mut connection, ctx.principal.user_id, self.clock.now()).await?)
    }

    pub async fn revoke_session(&self, ctx: &RequestContext, session_id: Uuid) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let session = sessions::lock(&mut transaction, session_id).await?;
        let session =
            session.filter(|session| session.user_id == user_id && session.is_live(self.clock.now()));
        let session = session.ok_or(Error::NotFound("session"))?;
        // Ending the current session is a logout, which needs no reauthentication.
        if session.id != ctx.principal.session_id {
            self.ensure_reauthenticated(&mut transaction, ctx).await?;
        }
        self.end_session(&mut transaction, user_id, session.id, &ctx.origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }
}
