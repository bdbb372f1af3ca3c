//! Returns the caller's own profile.

use kit_access::RequestContext;
use sqlx::PgConnection;
use uuid::Uuid;

use super::IdentityUseCases;
use super::register::phone_number_aad;
use crate::error::Error;
use crate::store::challenges;
use crate::store::users::{self, Profile};

/// A profile with its encrypted fields decrypted.
#[derive(Debug)]
pub struct CurrentUser {
    pub profile: Profile,
    pub phone_number: Option<String>,
    /// A new address that is not confirmed yet.
    pub pending_email: Option<String>,
    pub household_id: Uuid,
}

impl IdentityUseCases {
    pub async fn get_current_user(&self, ctx: &RequestContext) -> Result<CurrentUser, Error> {
        let mut connection = self.pool.acquire().await?;
        self.profile(&mut connection, ctx.principal.user_id, ctx.principal.household_id).await
    }

    pub(super) async fn profile(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        household_id: Uuid,
    ) -> Result<CurrentUser, Error> {
        let profile = users::profile(connection, user_id).await?.ok_or_else(|| Error::not_found("user"))?;
        let encrypted = profile.phone_number.as_deref();
        let phone_number = encrypted.map(|text| self.decrypt_phone_number(user_id, text)).transpose()?;
        let pending_email = challenges::pending_email(connection, user_id, self.clock.now()).await?;
        Ok(CurrentUser { profile, phone_number, pending_email, household_id })
    }

    pub(super) fn decrypt_phone_number(&self, user_id: Uuid, encrypted: &str) -> Result<String, Error> {
        let plain = self.config.data_keys.decrypt(&phone_number_aad(user_id), encrypted);
        let plain = plain.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }
}
