//! The password of a user who has a session already, asked for again before
//! something that a stolen session must not do. Wrong ones are counted apart from
//! those of logins: strangers have no part in this count.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::FieldViolation;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Identity;
use super::passwords::PasswordVerification;
use super::throttling::Attempt;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};

/// The hash of a password that was right.
pub(super) struct Reauthentication(String);

impl Identity {
    /// Checks the password in `field`; no transaction is open meanwhile.
    pub(super) async fn reauthenticate_with_password(
        &self,
        user_id: Uuid,
        field: &'static str,
        password: SecretString,
        origin: &RequestOrigin,
    ) -> Result<Reauthentication, Error> {
        if password.expose_secret().is_empty() {
            return Err(Error::Invalid(vec![FieldViolation::new(
                field,
                "REQUIRED",
                "This field is needed.",
            )]));
        }
        let stored = users::find(&mut *self.pool.acquire().await?, user_id).await?;
        let user = stored.filter(Credentials::may_log_in).ok_or(Error::NotFound("user"))?;
        let record = match self.attempt(Scope::Reauthentication, &user_id.to_string()).await? {
            Attempt::Allowed(record) => record,
            Attempt::Blocked(wait) => return Err(Error::Throttled(wait)),
        };
        match self.passwords.verify(password, Some(&user.password_hash)).await {
            Ok(PasswordVerification::Right | PasswordVerification::Rehashed(_)) => {
                // Whatever is refused after this, the password was not wrong.
                self.reset(&mut *self.pool.acquire().await?, &record).await?;
                Ok(Reauthentication(user.password_hash))
            }
            Ok(PasswordVerification::Wrong) => {
                let mut connection = self.pool.acquire().await?;
                self.record_failed_attempt(&mut connection, &user, &record, "password_rejected", origin)
                    .await?;
                let text = "This is not your password.";
                Err(Error::Invalid(vec![FieldViolation::new(field, "PASSWORD_INCORRECT", text)]))
            }
            Err(error) => {
                self.refund(&mut *self.pool.acquire().await?, &record).await?;
                Err(error)
            }
        }
    }

    /// The user, locked, if the password that was proved still is his.
    pub(super) async fn lock_reauthenticated(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        field: &'static str,
        reauthentication: &Reauthentication,
    ) -> Result<Credentials, Error> {
        let user = users::lock(connection, user_id).await?.filter(Credentials::may_log_in);
        let user = user.ok_or(Error::NotFound("user"))?;
        if user.password_hash != reauthentication.0 {
            let text = "Your password was changed meanwhile.";
            return Err(Error::Invalid(vec![FieldViolation::new(field, "PASSWORD_INCORRECT", text)]));
        }
        Ok(user)
    }
}
