//! Provides the data of emails when they are sent.

use chrono::{DateTime, Utc};
use kit_core::error::ProblemCode;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::domain::challenge::is_code_usable;
use crate::domain::email::Email;
use crate::domain::preferences::configurable_kind;
use crate::error::Error;
use crate::store::devices::DeviceSummary;
use crate::store::users::{self, Recipient};
use crate::store::{challenges, devices};

/// The recipient, link token and code of a challenge's email.
#[derive(Debug)]
pub struct ChallengeData {
    pub recipient: Recipient,
    pub token: String,
    /// The code; absent once it has expired or its attempts are used up.
    pub code: Option<String>,
}

impl IdentityUseCases {
    /// Returns the recipient of an email and the token that unsubscribes from `kind`.
    /// There is no token if the kind cannot be switched off.
    pub async fn get_recipient(
        &self,
        user_id: Uuid,
        kind: &str,
    ) -> Result<(Recipient, Option<String>), Error> {
        let recipient = users::recipient(&mut *self.pool.acquire().await?, user_id).await?;
        let token = configurable_kind(kind).map(|kind| self.secrets.unsubscribe_token(user_id, kind.name()));
        Ok((recipient.ok_or_else(|| Error::not_found("user"))?, token))
    }

    /// Derives the secrets of a challenge.
    pub async fn get_challenge_data(&self, id: Uuid) -> Result<ChallengeData, Error> {
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let challenge = challenges::find_open(&mut connection, id).await?;
        let challenge = challenge.filter(|challenge| now < challenge.token_expires_at);
        let challenge = challenge.ok_or(ProblemCode::ChallengeLapsed)?;
        let recipient = users::recipient(&mut connection, challenge.user_id).await?;
        let recipient = recipient.ok_or(ProblemCode::ChallengeLapsed)?;
        // No email is sent once another user has verified the new address.
        if let Some(new_email) = challenge.email.as_deref().and_then(Email::parse) {
            let holder = users::find_by_email(&mut connection, new_email.key()).await?;
            if holder.is_some_and(|holder| holder.id != challenge.user_id) {
                return Err(ProblemCode::ChallengeLapsed.into());
            }
        }
        let email = challenge.email.unwrap_or(recipient.email);
        let is_usable = is_code_usable(challenge.attempts, challenge.code_expires_at, now);
        Ok(ChallengeData {
            recipient: Recipient { email, ..recipient },
            token: self.secrets.link_token(id),
            code: is_usable.then(|| self.secrets.code(id)),
        })
    }

    pub async fn get_device_data(
        &self,
        user_id: Uuid,
        device_id: Uuid,
    ) -> Result<(Recipient, DeviceSummary), Error> {
        let mut connection = self.pool.acquire().await?;
        let device = devices::find_summary(&mut connection, user_id, device_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?;
        recipient.zip(device).ok_or_else(|| Error::not_found("device"))
    }

    /// Returns the recipient and the time at which the account will be erased.
    /// There is no time if the account is not pending deletion.
    pub async fn get_deletion_data(
        &self,
        user_id: Uuid,
    ) -> Result<(Recipient, Option<DateTime<Utc>>), Error> {
        let mut connection = self.pool.acquire().await?;
        let erase_at = users::erase_at(&mut connection, user_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?;
        Ok((recipient.ok_or_else(|| Error::not_found("user"))?, erase_at))
    }

    /// Returns the user with the email address before the change.
    pub async fn get_previous_recipient(&self, challenge_id: Uuid) -> Result<Recipient, Error> {
        let mut connection = self.pool.acquire().await?;
        let previous = challenges::find_previous_email(&mut connection, challenge_id).await?;
        let (user_id, email) = previous.ok_or_else(|| Error::not_found("address"))?;
        let recipient = users::recipient(&mut connection, user_id).await?;
        Ok(Recipient { email, ..recipient.ok_or_else(|| Error::not_found("user"))? })
    }
}
