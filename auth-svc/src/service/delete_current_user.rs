//! Requests the deletion of the caller's account.
//! Every session ends at once. All data is erased after a grace period, in which a login restores
//! the account.

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_kit::access::RequestContext;

use fintrac_kit::error::ProblemCode;

use super::{ChangeEvent, IdentityUseCases};
use crate::domain::role;
use crate::error::Error;
use crate::store::{roles, sessions, users};

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
        let (user_id, origin) = (ctx.principal.user_id, &ctx.origin);
        let reauthentication =
            self.reauthenticate_with_password(user_id, "password", password.into(), origin).await?;
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        let user =
            self.lock_reauthenticated(&mut transaction, user_id, "password", &reauthentication).await?;
        if expected_version.is_some_and(|version| version != user.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        let is_admin = roles::list_for_user(&mut transaction, user_id).await?.contains(role::ADMIN);
        if is_admin && !roles::has_other_admin(&mut transaction, user_id).await? {
            return Err(ProblemCode::LastAdmin.into());
        }
        if let Err(rejection) =
            self.require_second_factor(&mut transaction, &user, code, attempt, origin).await?
        {
            transaction.commit().await?;
            return Err(rejection);
        }
        let now = self.clock.now();
        let erase_at = now + GRACE_PERIOD;
        users::set_erase_at(&mut transaction, user_id, Some(erase_at)).await?;
        let version = users::increment_version(&mut transaction, user_id, now).await?;
        for session_id in sessions::lock_open(&mut transaction, user_id).await? {
            self.end_session(&mut transaction, user_id, session_id, origin).await?;
        }
        self.record_security_event(&mut transaction, Some(user_id), "deletion_requested", None, "", origin)
            .await?;
        let change = ChangeEvent::for_user(user_id, version, "deletion_requested", &["erase_at"]);
        self.record(&mut transaction, change, origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(erase_at)
    }
}
