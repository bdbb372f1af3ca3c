//! Provides the data of emails when they are sent.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::IdentityUseCases;
use crate::domain::preferences::configurable_kind;
use crate::error::Error;
use crate::store::devices::DeviceSummary;
use crate::store::users::{self, Recipient};
use crate::store::{challenges, devices};

impl IdentityUseCases {
    /// Returns the recipient of an email and the token that unsubscribes from `kind`.
    /// There is no token if the kind cannot be switched off.
    pub async fn get_recipient(
        &self,
        user_id: Uuid,
        kind: &str,
    ) -> Result<(Recipient, Option<String>), Error> {
        let mut connection = self.pool.acquire().await?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let token = configurable_kind(kind).map(|kind| self.secrets.unsubscribe_token(user_id, kind.name()));
        Ok((recipient, token))
    }

    pub async fn get_device_data(
        &self,
        user_id: Uuid,
        device_id: Uuid,
    ) -> Result<(Recipient, DeviceSummary), Error> {
        let mut connection = self.pool.acquire().await?;
        let device = devices::find_summary(&mut connection, user_id, device_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?;
        recipient.zip(device).ok_or(Error::NotFound("device"))
    }

    /// Returns the recipient and the time at which the account will be erased.
    /// There is no time if the account is not pending deletion.
    pub async fn get_deletion_data(
        &self,
        user_id: Uuid,
    ) -> Result<(Recipient, Option<DateTime<Utc>>), Error> {
        let mut connection = self.pool.acquire().await?;
        let erase_at = users::erase_at(&mut connection, user_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        Ok((recipient, erase_at))
    }

    /// Returns the user with the email address before the change.
    pub async fn get_previous_recipient(&self, challenge_id: Uuid) -> Result<Recipient, Error> {
        let mut connection = self.pool.acquire().await?;
        let previous = challenges::find_previous_email(&mut connection, challenge_id).await?;
        let (user_id, email) = previous.ok_or(Error::NotFound("address"))?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        Ok(Recipient { email, ..recipient })
    }
}
