//! Unsubscribes from a kind of email by the link in it, without a login.

use fintrac_money::Currency;
use kit_access::caller::RequestOrigin;
use kit_core::error::ProblemCode;
use kit_service::use_case::EntityChange;

use super::{IdentityUseCases, user_change};
use crate::domain::preferences::{ChannelsChange, PreferencesChanges};
use crate::error::Error;
use crate::store::preferences;

impl IdentityUseCases {
    pub async fn unsubscribe(&self, token: &str, origin: &RequestOrigin) -> Result<(), Error> {
        let (user_id, kind) =
            self.secrets.parse_unsubscribe_token(token).ok_or(ProblemCode::VerificationInvalid)?;
        let mut transaction = self.begin(origin).await?;
        preferences::lock(&mut transaction, user_id).await?;
        let before = preferences::find(&mut transaction, user_id).await?;
        let before = before.ok_or(ProblemCode::VerificationInvalid)?;
        let off = ChannelsChange { kind, email: Some(false), inbox: None };
        let changes = PreferencesChanges { notifications: vec![off], ..PreferencesChanges::default() };
        let currency = Currency::from_code(&before.default_currency);
        let currency = currency.ok_or_else(|| Error::Internal("the currency is unknown".into()))?;
        let (after, changed) =
            changes.apply(&before, currency).map_err(|_| ProblemCode::VerificationInvalid)?;
        if changed.is_empty() {
            return Ok(());
        }
        preferences::update(&mut transaction, user_id, &after).await?;
        let change = user_change(user_id, after.version, "updated", &changed);
        transaction.record_change(EntityChange { entity: "preferences", ..change }).await?;
        transaction.commit().await
    }
}
