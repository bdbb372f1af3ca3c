//! Sends an email to a user who forgot the password.
//! Neither the response nor its duration reveals whether the address is known.

use std::time::Duration;

use kit_access::caller::RequestOrigin;
use kit_core::error::{FieldCode, FieldViolation};
use tokio::time::Instant;

use super::IdentityUseCases;
use super::throttling::Attempt;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};

/// The duration of every response; the work for a known address takes less.
const MIN_RESPONSE_TIME: Duration = Duration::from_millis(100);

impl IdentityUseCases {
    pub async fn forgot_password(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.request_password_reset(email, origin)).await
    }

    async fn request_password_reset(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        let email = parse_email(email)?;
        self.attempt_from(Scope::ClientIp, origin).await?;
        if let Attempt::Blocked(_) = self.attempt(Scope::Email, &format!("reset {}", email.key())).await? {
            // The limit of emails is reached; the response stays the same.
            return Ok(());
        }
        let mut transaction = self.begin(origin).await?;
        let Some(found) = users::find_by_email(&mut transaction, email.key()).await? else { return Ok(()) };
        let user = users::lock(&mut transaction, found.id).await?.filter(Credentials::may_log_in);
        let Some(user) = user else { return Ok(()) };
        self.create_challenge(&mut transaction, user.id, Purpose::ResetPassword, None).await?;
        transaction.commit().await
    }
}

/// Parses the address in a request for an email.
pub(super) fn parse_email(text: &str) -> Result<Email, FieldViolation> {
    Email::parse(text).ok_or_else(|| FieldViolation::from_code("email", FieldCode::EmailInvalid))
}

/// Delays the response so that its duration does not reveal the work done.
pub(super) async fn uniform_duration<T>(work: impl Future<Output = T>) -> T {
    let respond_at = Instant::now() + MIN_RESPONSE_TIME;
    let done = work.await;
    tokio::time::sleep_until(respond_at).await;
    done
}
