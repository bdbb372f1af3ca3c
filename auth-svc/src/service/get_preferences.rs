//! Returns the caller's own preferences.

use fintrac_money::{Currency, Money};
use kit_access::RequestContext;
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
    pub async fn get_preferences(&self, ctx: &RequestContext) -> Result<Settings, Error> {
        self.settings(&mut *self.pool.acquire().await?, ctx).await
    }

    pub(super) async fn settings(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
    ) -> Result<Settings, Error> {
        let found = preferences::find(connection, ctx.principal.user_id).await?;
        let household = households::find(connection, ctx.principal.household_id).await?;
        let code = household.ok_or_else(|| Error::not_found("household"))?.currency_code;
        let unknown = || Error::Internal(format!("{code} is not a known currency"));
        let currency = Currency::from_code(&code).ok_or_else(unknown)?;
        Ok(Settings { preferences: found.ok_or_else(|| Error::not_found("user"))?, currency })
    }
}
