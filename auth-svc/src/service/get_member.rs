//! Returns data of a household member to other services.

use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::households;

impl IdentityUseCases {
    /// Returns the currency in which a member creates something by default.
    pub async fn get_default_currency(&self, household_id: Uuid, user_id: Uuid) -> Result<String, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = households::default_currency(&mut connection, household_id, user_id).await?;
        found.ok_or(Error::NotFound("member"))
    }
}
