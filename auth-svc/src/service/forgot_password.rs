//! Sends an email to a user who forgot the password.
//! Neither the response nor its duration reveals whether the address is known.

use std::time::Duration;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::{FieldCode, FieldViolation};
use tokio::time::Instant;

use super::IdentityUseCases;
use super::throttling::Attempt;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users;

/// The duration of every response; the work for a known address takes less.
const MIN_RESPONSE_TIME: Duration = Duration::from_millis(100);

impl IdentityUseCases {
    pub async fn forgot_password(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.request_password_reset(email, origin)).await
    }

    async fn request_password_reset(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        let email = Email::parse(email).ok_or_else(|| {
            Error::Invalid(vec![FieldViolation::from_code("email", FieldCode::EmailInvalid)])
        })?;
        self.attempt_from(Scope::ClientIp, origin).await?;
        if let Attempt::Blocked(_) = self.attempt(Scope::Email, &format!("reset {}", email.key())).await? {
            // The limit of emails is reached; the response stays the same.
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        let Some(found) = users::find_by_email(&mut transaction, email.key()).await? else { return Ok(()) };
        let Some(user) = users::lock(&mut transaction, found.id).await? else { return Ok(()) };
        if !user.may_log_in() {
            return Ok(());
        }
        self.create_challenge(&mut transaction, user.id, Purpose::ResetPassword, None, origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }
}

/// Delays the response so that its duration does not reveal the work done.
pub(super) async fn uniform_duration<T>(work: impl Future<Output = T>) -> T {
    let respond_at = Instant::now() + MIN_RESPONSE_TIME;
    let done = work.await;
    tokio::time::sleep_until(respond_at).await;
    done
}
