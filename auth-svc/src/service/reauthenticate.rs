//! Reauthenticates the caller within the session.
//! Operations that change how a user logs in require it, because a stolen access token must not
//! suffice.

use chrono::TimeDelta;
use kit_access::RequestContext;
use kit_core::error::ProblemCode;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::{second_factors, sessions};

/// The time for which a login or reauthentication counts as recent.
const REAUTHENTICATION_LIFETIME: TimeDelta = TimeDelta::minutes(5);

impl IdentityUseCases {
    /// Verifies the password, and a code of the second factor if there is one.
    pub async fn reauthenticate(
        &self,
        ctx: &RequestContext,
        password: SecretString,
        code: &str,
    ) -> Result<(), Error> {
        let (user_id, session_id) = (ctx.principal.user_id, ctx.principal.session_id);
        let reauthentication = self.reauthenticate_with_password(ctx, "password", password).await?;
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.begin(ctx).await?;
        let user = self.lock_reauthenticated(&mut transaction, &reauthentication).await?;
        let mut transaction = self.require_second_factor(transaction, &user, code, attempt).await?;
        sessions::set_authenticated_at(&mut transaction, session_id, self.clock.now()).await?;
        let (user_id, session_id) = (Some(user_id), Some(session_id));
        self.record_security_event(&mut transaction, user_id, "reauthenticated", session_id).await?;
        transaction.commit().await
    }

    /// Rejects a session without a recent login or reauthentication.
    pub(super) async fn ensure_reauthenticated(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let authenticated_at = sessions::authenticated_at(connection, ctx.principal.session_id).await?;
        if authenticated_at.is_some_and(|time| self.clock.now() - time < REAUTHENTICATION_LIFETIME) {
            return Ok(());
        }
        Err(ProblemCode::ReauthenticationRequired.into())
    }

    /// Requires a recent reauthentication if the user has a second factor.
    /// It is for operations that verify the password themselves.
    pub(super) async fn ensure_recent_second_factor(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        if second_factors::is_enabled(connection, ctx.principal.user_id).await? {
            return self.ensure_reauthenticated(connection, ctx).await;
        }
        Ok(())
    }
}
