//! What mails say besides names and links; asked when they are sent.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Identity;
use crate::domain::preferences::Kind;
use crate::error::Error;
use crate::store::devices::DeviceFacts;
use crate::store::users::{self, Recipient};
use crate::store::{challenges, devices};

impl Identity {
    /// To whom a mail goes, and what ends mails of its `kind`, if he may.
    pub async fn get_recipient(
        &self,
        user_id: Uuid,
        kind: &str,
    ) -> Result<(Recipient, Option<String>), Error> {
        let mut connection = self.pool.acquire().await?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let kind = Kind::from_text(kind);
        Ok((recipient, kind.map(|kind| self.secrets.unsubscribe_token(user_id, kind.as_str()))))
    }

    pub async fn get_device_facts(
        &self,
        user_id: Uuid,
        device_id: Uuid,
    ) -> Result<(Recipient, DeviceFacts), Error> {
        let mut connection = self.pool.acquire().await?;
        let facts = devices::facts(&mut connection, user_id, device_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?;
        recipient.zip(facts).ok_or(Error::NotFound("device"))
    }

    /// When the account will be erased; none: it stays.
    pub async fn get_deletion_facts(
        &self,
        user_id: Uuid,
    ) -> Result<(Recipient, Option<DateTime<Utc>>), Error> {
        let mut connection = self.pool.acquire().await?;
        let erase_at = users::erase_at(&mut connection, user_id).await?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        Ok((recipient, erase_at))
    }

    /// The user, at the address that he had before a change.
    pub async fn get_former_address(&self, challenge_id: Uuid) -> Result<Recipient, Error> {
        let mut connection = self.pool.acquire().await?;
        let former = challenges::former_email(&mut connection, challenge_id).await?;
        let (user_id, email) = former.ok_or(Error::NotFound("address"))?;
        let recipient = users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        Ok(Recipient { email, ..recipient })
    }
}
