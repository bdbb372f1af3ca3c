//! Another verification mail. Says nothing about whether the address is known.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::access::network;
use fintrac_kit::error::Violation;

use super::Identity;
use super::forgot_password::alike;
use super::throttling::Attempt;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users;

impl Identity {
    pub async fn resend_verification(&self, email: &str, origin: &Origin) -> Result<(), Error> {
        alike(self.ask_for_verification(email, origin)).await
    }

    async fn ask_for_verification(&self, email: &str, origin: &Origin) -> Result<(), Error> {
        let email = Email::parse(email).ok_or_else(|| {
            Error::Invalid(vec![Violation::new("email", "EMAIL_INVALID", "Use the form name@example.com.")])
        })?;
        if let Attempt::Blocked(wait) = self.attempt(Scope::Sender, &network(origin.client.ip)).await? {
            return Err(Error::Throttled(wait));
        }
        if let Attempt::Blocked(_) = self.attempt(Scope::Mailbox, &format!("verify {}", email.key())).await? {
            // Enough mails for one mailbox; the answer stays the same.
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        let Some(found) = users::find_by_email(&mut transaction, email.key()).await? else { return Ok(()) };
        let Some(user) = users::lock(&mut transaction, found.id).await? else { return Ok(()) };
        if user.email_verified {
            return Ok(());
        }
        self.open_challenge(&mut transaction, user.id, Purpose::VerifyEmail, None, origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }
}
