//! Checks the password again within a session before sensitive operations.
//! A stolen session must not suffice for them. Wrong passwords are counted apart from those of
//! logins, so that attackers without a session cannot add to this count.

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::passwords::PasswordVerification;
use super::{IdentityUseCases, commit_and_reject};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};

/// A password that was verified.
pub(super) struct Reauthentication {
    user_id: Uuid,
    /// The field of the request with the password.
    field: &'static str,
    password_hash: String,
}

impl IdentityUseCases {
    /// Verifies the caller's password in `field` while no transaction is open.
    pub(super) async fn reauthenticate_with_password(
        &self,
        ctx: &RequestContext,
        field: &'static str,
        password: SecretString,
    ) -> Result<Reauthentication, Error> {
        let user_id = ctx.principal.user_id;
        if password.expose_secret().is_empty() {
            return Err(FieldViolation::from_code(field, FieldCode::Required).into());
        }
        let stored = users::find(&mut *self.pool.acquire().await?, user_id).await?;
        let user = stored.filter(Credentials::may_log_in).ok_or_else(|| Error::not_found("user"))?;
        let attempt = self.attempt(Scope::Reauthentication, &user_id.to_string()).await?.require_allowed()?;
        match self.passwords.verify(password, Some(&user.password_hash)).await {
            Ok(PasswordVerification::Right | PasswordVerification::Rehashed(_)) => {
                // The password was correct, even if a later check rejects the request.
                attempt.reset(&mut *self.pool.acquire().await?).await?;
                Ok(Reauthentication { user_id, field, password_hash: user.password_hash })
            }
            Ok(PasswordVerification::Wrong) => {
                let mut transaction = self.begin(ctx).await?;
                self.record_failed_attempt(&mut transaction, &user, &attempt, "password_rejected").await?;
                commit_and_reject(transaction, FieldViolation::from_code(field, FieldCode::PasswordIncorrect))
                    .await
            }
            Err(error) => {
                attempt.refund(&mut *self.pool.acquire().await?).await?;
                Err(error)
            }
        }
    }

    /// Locks the user and ensures that the verified password is still the current one.
    pub(super) async fn lock_reauthenticated(
        &self,
        connection: &mut PgConnection,
        reauthentication: &Reauthentication,
    ) -> Result<Credentials, Error> {
        let Reauthentication { user_id, field, password_hash } = reauthentication;
        let user = users::lock(connection, *user_id).await?.filter(Credentials::may_log_in);
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        if user.password_hash != *password_hash {
            let text = "The password was changed during the request. Send the new one.";
            return Err(FieldViolation::new(*field, FieldCode::PasswordIncorrect, text).into());
        }
        Ok(user)
    }
}
