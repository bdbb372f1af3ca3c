//! Lists the household members to notify about a kind of event.

use uuid::Uuid;

use super::IdentityUseCases;
use crate::domain::preferences::configurable_kind;
use crate::error::Error;
use crate::store::households;
use crate::store::preferences::{self, Subscriber};

impl IdentityUseCases {
    pub async fn list_subscribers(&self, household_id: Uuid, kind: &str) -> Result<Vec<Subscriber>, Error> {
        let kind = configurable_kind(kind).ok_or(Error::NotFound("kind"))?;
        Ok(preferences::list_subscribers(&mut *self.pool.acquire().await?, household_id, kind).await?)
    }

    /// Lists households with members and their time zones, in order of id.
    /// It returns at most 1,000 of those after `after`.
    pub async fn list_household_timezones(&self, after: Uuid) -> Result<Vec<(Uuid, String)>, Error> {
        Ok(households::list(&mut *self.pool.acquire().await?, after).await?)
    }
}
