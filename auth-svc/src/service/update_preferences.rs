//! Updates the caller's own preferences.
//! An owner's time zone is the household's time zone, which decides what is today.

use kit_service::use_case::WriteContext;

use super::IdentityUseCases;
use super::get_preferences::Settings;
use super::households::household_change;
use crate::domain::preferences::PreferencesChanges;
use crate::error::Error;
use crate::store::{households, preferences};

impl IdentityUseCases {
    pub async fn update_preferences(
        &self,
        ctx: &WriteContext<Settings>,
        changes: &PreferencesChanges,
        expected_version: Option<i64>,
    ) -> Result<Settings, Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.begin_idempotent(ctx).await?;
        preferences::lock(&mut transaction, user_id).await?;
        let before = self.settings(&mut transaction, ctx).await?;
        Error::check_version(expected_version, before.preferences.version)?;
        let (after, changed) = changes.apply(&before.preferences, before.currency)?;
        if !changed.is_empty() {
            preferences::update(&mut transaction, user_id, &after).await?;
            transaction.record("preferences", user_id, after.version, "updated", &changed).await?;
        }
        if changed.contains(&"timezone") {
            let owned = households::set_timezone(&mut transaction, user_id, &after.timezone).await?;
            for (id, version) in owned {
                let change = household_change(user_id, id, version, "updated", &["timezone"]);
                transaction.record_change(change).await?;
            }
        }
        let after = Settings { preferences: after, currency: before.currency };
        transaction.commit_with(after).await
    }
}
