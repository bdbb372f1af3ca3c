//! Replaces the password of a user who knows it and ends the other sessions.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::{FieldCode, FieldViolation};

use super::{ChangeEvent, IdentityUseCases};
use crate::domain::challenge::Purpose;
use crate::error::Error;
use crate::store::{challenges, sessions, users};

impl IdentityUseCases {
    pub async fn change_password(
        &self,
        ctx: &RequestContext,
        current: &str,
        new_password: &str,
    ) -> Result<(), Error> {
        let (user_id, origin) = (ctx.principal.user_id, &ctx.origin);
        let field = "current_password";
        let mut connection = self.pool.acquire().await?;
        self.check_new_password(&mut connection, user_id, new_password).await?;
        drop(connection);
        if current == new_password {
            return Err(Error::Invalid(vec![FieldViolation::from_code(
                "new_password",
                FieldCode::PasswordUnchanged,
            )]));
        }
        let reauthentication =
            self.reauthenticate_with_password(user_id, field, current.into(), origin).await?;
        let hash = self.passwords.hash(new_password.into()).await?;
        let mut transaction = self.pool.begin().await?;
        self.lock_reauthenticated(&mut transaction, user_id, field, &reauthentication).await?;
        self.ensure_recent_second_factor(&mut transaction, ctx).await?;
        let now = self.clock.now();
        users::set_password_hash(&mut transaction, user_id, &hash).await?;
        let version = users::increment_version(&mut transaction, user_id, now).await?;
        for purpose in [Purpose::ResetPassword, Purpose::ChangeEmail] {
            challenges::close_all(&mut transaction, user_id, purpose, now).await?;
        }
        let others = sessions::lock_open(&mut transaction, user_id).await?.into_iter();
        for session_id in others.filter(|id| *id != ctx.principal.session_id) {
            self.end_session(&mut transaction, user_id, session_id, origin).await?;
        }
        let session = Some(ctx.principal.session_id);
        self.record_security_event(&mut transaction, Some(user_id), "password_changed", session, "", origin)
            .await?;
        let change = ChangeEvent::for_user(user_id, version, "password_changed", &["password"]);
        self.record(&mut transaction, change, origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }
}
