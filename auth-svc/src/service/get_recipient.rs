//! To whom a mail goes; asked when it is sent, stored nowhere else.

use uuid::Uuid;

use super::Identity;
use crate::error::Error;
use crate::store::users::{self, Recipient};

impl Identity {
    pub async fn get_recipient(&self, user_id: Uuid) -> Result<Recipient, Error> {
        let mut connection = self.pool.acquire().await?;
        users::recipient(&mut connection, user_id).await?.ok_or(Error::NotFound("user"))
    }
}
