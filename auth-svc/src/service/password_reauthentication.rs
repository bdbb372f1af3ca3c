//! Checks the password again within a session before sensitive operations.
//! A stolen session must not suffice for them. Wrong passwords are counted apart from those of
//! logins, so that attackers without a session cannot add to this count.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::{FieldCode, FieldViolation};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::IdentityUseCases;
use super::passwords::PasswordVerification;
use super::throttling::Attempt;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};

/// The hash of the password that was verified.
pub(super) struct Reauthentication(String);

impl IdentityUseCases {
    /// Verifies the password in `field` while no transaction is open.
    pub(super) async fn reauthenticate_with_password(
        &self,
        user_id: Uuid,
        field: &'static str,
        password: SecretString,
        origin: &RequestOrigin,
    ) -> Result<Reauthentication, Error> {
        if password.expose_secret().is_empty() {
            return Err(Error::Invalid(vec![FieldViolation::from_code(field, FieldCode::Required)]));
        }
        let stored = users::find(&mut *self.pool.acquire().await?, user_id).await?;
        let user = stored.filter(Credentials::may_log_in).ok_or(Error::NotFound("user"))?;
        let attempt = match self.attempt(Scope::Reauthentication, &user_id.to_string()).await? {
            Attempt::Allowed(attempt) => attempt,
            Attempt::Blocked(wait) => return Err(Error::Throttled(wait)),
        };
        match self.passwords.verify(password, Some(&user.password_hash)).await {
            Ok(PasswordVerification::Right | PasswordVerification::Rehashed(_)) => {
                // The password was correct, even if a later check rejects the request.
                self.reset(&mut *self.pool.acquire().await?, &attempt).await?;
                Ok(Reauthentication(user.password_hash))
            }
            Ok(PasswordVerification::Wrong) => {
                let mut connection = self.pool.acquire().await?;
                self.record_failed_attempt(&mut connection, &user, &attempt, "password_rejected", origin)
                    .await?;
                Err(Error::Invalid(vec![FieldViolation::from_code(field, FieldCode::PasswordIncorrect)]))
            }
            Err(error) => {
                self.refund(&mut *self.pool.acquire().await?, &attempt).await?;
                Err(error)
            }
        }
    }

    /// Locks the user and ensures that the verified password is still the current one.
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
            let text = "The password was changed during the request. Send the new one.";
            return Err(Error::Invalid(vec![FieldViolation::new(field, FieldCode::PasswordIncorrect, text)]));
        }
        Ok(user)
    }
}
