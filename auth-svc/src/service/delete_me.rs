//! Leaving: every session ends at once, everything is erased after a time of
//! grace in which a login brings the account back.

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_kit::access::By;

use super::{Change, Identity};
use crate::domain::role;
use crate::error::Error;
use crate::store::{roles, sessions, users};

const GRACE: TimeDelta = TimeDelta::days(30);

impl Identity {
    /// When everything will be erased.
    pub async fn delete_me(
        &self,
        by: &By,
        password: &str,
        code: &str,
        if_version: Option<i64>,
    ) -> Result<DateTime<Utc>, Error> {
        let (user_id, origin) = (by.principal.user_id, &by.origin);
        let proved = self.prove_password(user_id, "password", password.into(), origin).await?;
        let ticket = self.count_code(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        let user = self.lock_proved(&mut transaction, user_id, "password", &proved).await?;
        if if_version.is_some_and(|version| version != user.version) {
            return Err(Error::VersionMismatch);
        }
        let is_admin = roles::of_user(&mut transaction, user_id).await?.contains(role::ADMIN);
        if is_admin && !roles::has_other_admin(&mut transaction, user_id).await? {
            return Err(Error::LastAdmin);
        }
        if let Err(refusal) = self.ask_for_code(&mut transaction, &user, code, ticket, origin).await? {
            transaction.commit().await?;
            return Err(refusal);
        }
        let now = self.clock.now();
        let erase_at = now + GRACE;
        users::set_erase_at(&mut transaction, user_id, Some(erase_at)).await?;
        let version = users::bump(&mut transaction, user_id, now).await?;
        for session_id in sessions::lock_open(&mut transaction, user_id).await? {
            self.end_session(&mut transaction, user_id, session_id, origin).await?;
        }
        self.note_security(&mut transaction, Some(user_id), "deletion_requested", None, "", origin).await?;
        let change = Change::of_user(user_id, version, "deletion_requested", &["erase_at"]);
        self.record(&mut transaction, change, origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(erase_at)
    }
}
