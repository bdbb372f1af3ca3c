//! Returns the caller's own preferences.

use fintrac_kit::access::Principal;
use fintrac_money::{Currency, Money};
use sqlx::PgConnection;

use super::IdentityUseCases;
use crate::domain::preferences::Preferences;
use crate::error::Error;
use crate::store::{households, preferences};

/// Preferences with the currency of their amounts.
#[derive(Debug, Clone)]
pub struct Settings {
    pub preferences: Preferences,
    pub currency: Currency,
}

impl Settings {
    pub fn limit(&self) -> Option<Money> {
        self.preferences.large_transaction_limit.map(|minor| Money::new(minor, self.currency))
    }
}

impl IdentityUseCases {
    pub async fn get_preferences(&self, principal: &Principal) -> Result<Settings, Error> {
        let mut connection = self.pool.acquire().await?;
        self.settings(&mut connection, principal).await
    }

    pub(super) async fn settings(
        &self,
        connection: &mut PgConnection,
        principal: &Principal,
    ) -> Result<Settings, Error> {
        let found = preferences::find(connection, principal.user_id).await?;
        let household = households::find(connection, principal.household_id).await?;
        let code = household.ok_or(Error::NotFound("household"))?.currency_code;
        let unknown = || Error::Internal(format!("{code} is not a known currency"));
        let currency = Currency::from_code(&code).ok_or_else(unknown)?;
        Ok(Settings { preferences: found.ok_or(Error::NotFound("user"))?, currency })
    }
}
