//! Returns a household to other services, which store a copy.

use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::households::{self, Household};

impl IdentityUseCases {
    pub async fn get_household(&self, household_id: Uuid) -> Result<Household, Error> {
        let mut connection = self.pool.acquire().await?;
        households::find(&mut connection, household_id).await?.ok_or(Error::NotFound("household"))
    }
}
