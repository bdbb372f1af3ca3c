//! A mail for somebody who forgot his password. Says nothing about whether the
//! address is known, not by its time either.

use std::time::Duration;

use fintrac_kit::access::caller::Origin;
use fintrac_kit::error::Violation;
use tokio::time::Instant;

use super::Identity;
use super::throttling::Attempt;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users;

/// Longer than the work for a known address takes; whoever asks waits this long.
const ALIKE: Duration = Duration::from_millis(100);

impl Identity {
    pub async fn forgot_password(&self, email: &str, origin: &Origin) -> Result<(), Error> {
        alike(self.ask_for_reset(email, origin)).await
    }

    async fn ask_for_reset(&self, email: &str, origin: &Origin) -> Result<(), Error> {
        let email = Email::parse(email).ok_or_else(|| {
            Error::Invalid(vec![Violation::new("email", "EMAIL_INVALID", "Use the form name@example.com.")])
        })?;
        self.attempt_from(Scope::Sender, origin).await?;
        if let Attempt::Blocked(_) = self.attempt(Scope::Mailbox, &format!("reset {}", email.key())).await? {
            // Enough mails for one mailbox; the answer stays the same.
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        let Some(found) = users::find_by_email(&mut transaction, email.key()).await? else { return Ok(()) };
        let Some(user) = users::lock(&mut transaction, found.id).await? else { return Ok(()) };
        if !user.may_log_in() {
            return Ok(());
        }
        self.open_challenge(&mut transaction, user.id, Purpose::ResetPassword, None, origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }
}

/// Answers after the same time whether there was work to do or not.
pub(super) async fn alike<T>(work: impl Future<Output = T>) -> T {
    let answer_at = Instant::now() + ALIKE;
    let done = work.await;
    tokio::time::sleep_until(answer_at).await;
    done
}
