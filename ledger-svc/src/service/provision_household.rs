//! Provisions a household on its first request.
//!
//! Its data is fetched from auth-svc, and it gets its default categories.

use fintrac_households::HouseholdClient;
use fintrac_money::Household;
use kit_access::RequestContext;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::defaults;
use crate::error::Error;
use crate::store::{categories, households};

impl LedgerUseCases {
    /// Returns the caller's household and provisions it if it is unknown.
    pub(crate) async fn household(&self, ctx: &RequestContext) -> Result<Household, Error> {
        let id = ctx.principal.household_id;
        if let Some(known) = self.households.cached(id) {
            return Ok(known);
        }
        let stored = households::find(&mut *self.pool.acquire().await?, id).await?;
        let household = match stored {
            Some(household) => household,
            None => self.provision_household(ctx, id).await?,
        };
        self.households.store(household);
        Ok(household)
    }

    async fn provision_household(&self, ctx: &RequestContext, id: Uuid) -> Result<Household, Error> {
        let fetched = self.households.fetch(id).await?;
        let household = HouseholdClient::parse(&fetched)?;
        let now = self.clock.now();
        let mut transaction = self.begin(ctx).await?;
        if !households::insert(&mut transaction, &household, now).await? {
            return Ok(household);
        }
        for category in defaults::categories(&fetched.locale, now, &self.random) {
            categories::insert(&mut transaction, id, &category).await?;
        }
        transaction.record("household", id, 1, "opened", &[]).await?;
        transaction.commit().await?;
        // If the time zone changed after the fetch, its event found no row to update.
        match self.households.fetch(id).await.and_then(|fetched| HouseholdClient::parse(&fetched)) {
            Ok(current) if current != household => {
                let mut connection = self.pool.acquire().await?;
                households::set_timezone_if_unchanged(&mut connection, &household, &current).await?;
                Ok(current)
            }
            Ok(_same) => Ok(household),
            Err(error) => {
                tracing::warn!(household_id = %id, %error, "household not fetched again after provisioning");
                Ok(household)
            }
        }
    }
}
