//! Creates households, and provides them and their members to other services.

use kit_service::use_case::{EntityChange, WriteTransaction};
use uuid::Uuid;

use super::{IdentityUseCases, user_change};
use crate::domain::preferences::{Preferences, configurable_kind};
use crate::error::Error;
use crate::store::households::{self, Household};
use crate::store::preferences::{self, LargeTransactionLimit, Subscriber};

impl IdentityUseCases {
    /// Creates the household of a user whose address is verified.
    pub(super) async fn create_household(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        preferences: &Preferences,
    ) -> Result<Uuid, sqlx::Error> {
        let (id, now) = (self.new_id(), self.clock.now());
        let (currency, timezone) = (&preferences.default_currency, &preferences.timezone);
        households::insert(transaction, id, user_id, currency, timezone, now).await?;
        let change = household_change(user_id, id, 1, "created", &["currency_code", "timezone"]);
        transaction.record_change(change).await?;
        Ok(id)
    }

    pub async fn get_household(&self, household_id: Uuid) -> Result<Household, Error> {
        let household = households::find(&mut *self.pool.acquire().await?, household_id).await?;
        household.ok_or_else(|| Error::not_found("household"))
    }

    /// Returns the currency in which a member creates something by default.
    pub async fn get_default_currency(&self, household_id: Uuid, user_id: Uuid) -> Result<String, Error> {
        let mut connection = self.pool.acquire().await?;
        let found = households::default_currency(&mut connection, household_id, user_id).await?;
        found.ok_or_else(|| Error::not_found("member"))
    }

    /// Lists households with members and their time zones, in order of id.
    /// It returns at most 1,000 of those after `after`.
    pub async fn list_household_timezones(&self, after: Uuid) -> Result<Vec<(Uuid, String)>, Error> {
        Ok(households::list(&mut *self.pool.acquire().await?, after).await?)
    }

    /// Lists the household members to notify about a kind of event.
    pub async fn list_subscribers(&self, household_id: Uuid, kind: &str) -> Result<Vec<Subscriber>, Error> {
        let kind = configurable_kind(kind).ok_or_else(|| Error::not_found("kind"))?;
        Ok(preferences::list_subscribers(&mut *self.pool.acquire().await?, household_id, kind).await?)
    }

    /// Lists the amounts above which members are notified of a transaction.
    pub async fn list_large_transaction_limits(
        &self,
        household_ids: &[Uuid],
    ) -> Result<Vec<LargeTransactionLimit>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(preferences::list_large_transaction_limits(&mut connection, household_ids).await?)
    }
}

/// Builds a change of a household that its owner makes.
pub(super) fn household_change<'a>(
    user_id: Uuid,
    id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
) -> EntityChange<'a> {
    let change = user_change(user_id, version, kind, changed);
    EntityChange { household_id: Some(id), entity: "household", entity_id: id, ..change }
}
