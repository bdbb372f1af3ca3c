//! Sends another verification email for each pending registration.
//! The response does not reveal whether the address is known.

use kit_access::caller::RequestOrigin;

use super::IdentityUseCases;
use super::forgot_password::{parse_email, uniform_duration};
use super::throttling::Attempt;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};

/// The number of registrations of one address that get another email at once.
const MAX_EMAILS: i64 = 5;

impl IdentityUseCases {
    pub async fn resend_verification(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.request_verification(email, origin)).await
    }

    async fn request_verification(&self, email: &str, origin: &RequestOrigin) -> Result<(), Error> {
        let email = parse_email(email)?;
        self.attempt_from(Scope::ClientIp, origin).await?;
        let throttle_name = format!("verify {}", email.key());
        if let Attempt::Blocked(_) = self.attempt(Scope::Email, &throttle_name).await? {
            // The limit of emails is reached; the response stays the same.
            return Ok(());
        }
        let claims = self.unverified(&email).await?;
        let mut emails = claims.len().min(1);
        // Every email counts as an attempt.
        while emails < claims.len()
            && matches!(self.attempt(Scope::Email, &throttle_name).await?, Attempt::Allowed(_))
        {
            emails += 1;
        }
        let mut transaction = self.begin(origin).await?;
        users::lock_email(&mut transaction, email.key()).await?;
        for claim in claims.into_iter().take(emails) {
            let user = users::lock(&mut transaction, claim.id).await?;
            // Otherwise the registration was verified or released since it was read.
            if user.is_some_and(|user| user.version == claim.version) {
                self.create_challenge(&mut transaction, claim.id, Purpose::VerifyEmail, None).await?;
            }
        }
        transaction.commit().await
    }

    async fn unverified(&self, email: &Email) -> Result<Vec<Credentials>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        users::list_unverified_by_email(&mut connection, email.key(), MAX_EMAILS).await
    }
}
