//! Changing the caller's own preferences. An owner's time zone is his
//! household's: it decides what is today there.

use fintrac_kit::access::By;
use fintrac_kit::idempotency::{Kept, Key};

use super::get_preferences::Settings;
use super::{Change, Identity};
use crate::domain::preferences::PreferencesChanges;
use crate::error::Error;
use crate::store::{households, preferences};

impl Identity {
    pub async fn update_preferences(
        &self,
        by: &By,
        changes: &PreferencesChanges,
        if_version: Option<i64>,
        key: Option<Key>,
        encode: fn(&Settings) -> Vec<u8>,
    ) -> Result<Kept<Settings>, Error> {
        let user_id = by.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        if let Some(kept) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(kept);
        }
        preferences::lock(&mut transaction, user_id).await?;
        let before = self.settings(&mut transaction, &by.principal).await?;
        if if_version.is_some_and(|version| version != before.preferences.version) {
            return Err(Error::VersionMismatch);
        }
        let (after, changed) = changes.apply(&before.preferences, before.currency).map_err(Error::Invalid)?;
        if !changed.is_empty() {
            preferences::update(&mut transaction, user_id, &after).await?;
            let change = Change {
                user_id,
                household_id: Some(by.principal.household_id),
                entity: "preferences",
                entity_id: user_id,
                version: after.version,
                kind: "updated",
                changed: &changed,
            };
            self.record(&mut transaction, change, &by.origin).await?;
        }
        if changed.contains(&"timezone") {
            let owned = households::set_timezone(&mut transaction, user_id, &after.timezone).await?;
            for (household_id, version) in owned {
                let change = Change {
                    user_id,
                    household_id: Some(household_id),
                    entity: "household",
                    entity_id: household_id,
                    version,
                    kind: "updated",
                    changed: &["timezone"],
                };
                self.record(&mut transaction, change, &by.origin).await?;
            }
        }
        let after = Settings { preferences: after, currency: before.currency };
        self.keep(&mut transaction, key.as_ref(), &encode(&after)).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(Kept::Fresh(after))
    }
}
