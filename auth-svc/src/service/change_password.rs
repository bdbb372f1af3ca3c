//! Replaces the password of a user who knows it and ends the other sessions.

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation};

use super::{IdentityUseCases, user_change};
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
        let (user_id, session_id) = (ctx.principal.user_id, ctx.principal.session_id);
        let mut connection = self.pool.acquire().await?;
        self.check_new_password(&mut connection, user_id, new_password).await?;
        drop(connection);
        if current == new_password {
            return Err(FieldViolation::from_code("new_password", FieldCode::PasswordUnchanged).into());
        }
        let reauthentication =
            self.reauthenticate_with_password(ctx, "current_password", current.into()).await?;
        let hash = self.passwords.hash(new_password.into()).await?;
        let mut transaction = self.begin(ctx).await?;
        self.lock_reauthenticated(&mut transaction, &reauthentication).await?;
        self.ensure_recent_second_factor(&mut transaction, ctx).await?;
        let now = self.clock.now();
        users::set_password_hash(&mut transaction, user_id, &hash).await?;
        let version = users::increment_version(&mut transaction, user_id, now).await?;
        for purpose in [Purpose::ResetPassword, Purpose::ChangeEmail] {
            challenges::close_all(&mut transaction, user_id, purpose, now).await?;
        }
        for other in sessions::lock_open(&mut transaction, user_id).await? {
            if other != session_id {
                self.end_session(&mut transaction, user_id, other).await?;
            }
        }
        let kind = "password_changed";
        self.record_security_event(&mut transaction, Some(user_id), kind, Some(session_id)).await?;
        transaction.record_change(user_change(user_id, version, kind, &["password"])).await?;
        self.publish(transaction.commit()).await
    }
}
