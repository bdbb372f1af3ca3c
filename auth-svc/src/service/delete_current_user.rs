//! Requests the deletion of the caller's account.
//! Every session ends at once. All data is erased after a grace period, in which a login restores
//! the account.

use chrono::{DateTime, TimeDelta, Utc};
use kit_access::RequestContext;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::{roles, users};

const GRACE_PERIOD: TimeDelta = TimeDelta::days(30);

impl IdentityUseCases {
    /// Schedules the erasure and returns its time.
    pub async fn delete_current_user(
        &self,
        ctx: &RequestContext,
        password: &str,
        code: &str,
        expected_version: Option<i64>,
    ) -> Result<DateTime<Utc>, Error> {
        let user_id = ctx.principal.user_id;
        let reauthentication = self.reauthenticate_with_password(ctx, "password", password.into()).await?;
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.begin(ctx).await?;
        roles::lock(&mut transaction).await?;
        let user = self.lock_reauthenticated(&mut transaction, &reauthentication).await?;
        Error::check_version(expected_version, user.version)?;
        self.ensure_admin_remains(&mut transaction, user_id).await?;
        let mut transaction = self.require_second_factor(transaction, &user, code, attempt).await?;
        let erase_at = self.clock.now() + GRACE_PERIOD;
        users::set_erase_at(&mut transaction, user_id, Some(erase_at)).await?;
        self.end_all_sessions(&mut transaction, user_id).await?;
        self.record_account_change(&mut transaction, user_id, "deletion_requested", &["erase_at"]).await?;
        self.publish(transaction.commit()).await?;
        Ok(erase_at)
    }
}
