//! Updates the caller's own preferences.
//! An owner's time zone is the household's time zone, which decides what is today.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::idempotency::{IdempotentResult, Key};

use super::get_preferences::Settings;
use super::{ChangeEvent, IdentityUseCases};
use crate::domain::preferences::PreferencesChanges;
use crate::error::Error;
use crate::store::{households, preferences};

impl IdentityUseCases {
    pub async fn update_preferences(
        &self,
        ctx: &RequestContext,
        changes: &PreferencesChanges,
        expected_version: Option<i64>,
        key: Option<Key>,
        encode: fn(&Settings) -> Vec<u8>,
    ) -> Result<IdempotentResult<Settings>, Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        if let Some(stored) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(stored);
        }
        preferences::lock(&mut transaction, user_id).await?;
        let before = self.settings(&mut transaction, &ctx.principal).await?;
        if expected_version.is_some_and(|version| version != before.preferences.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        let (after, changed) = changes.apply(&before.preferences, before.currency).map_err(Error::Invalid)?;
        if !changed.is_empty() {
            preferences::update(&mut transaction, user_id, &after).await?;
            let change = ChangeEvent {
                user_id,
                household_id: Some(ctx.principal.household_id),
                entity: "preferences",
                entity_id: user_id,
                version: after.version,
                kind: "updated",
                changed: &changed,
            };
            self.record(&mut transaction, change, &ctx.origin).await?;
        }
        if changed.contains(&"timezone") {
            let owned = households::set_timezone(&mut transaction, user_id, &after.timezone).await?;
            for (household_id, version) in owned {
                let change = ChangeEvent {
                    user_id,
                    household_id: Some(household_id),
                    entity: "household",
                    entity_id: household_id,
                    version,
                    kind: "updated",
                    changed: &["timezone"],
                };
                self.record(&mut transaction, change, &ctx.origin).await?;
            }
        }
        let after = Settings { preferences: after, currency: before.currency };
        self.store_response(&mut transaction, key.as_ref(), &encode(&after)).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(IdempotentResult::New(after))
    }
}
