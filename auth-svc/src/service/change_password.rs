//! Another password for somebody who knows his own. Ends the other sessions.

use fintrac_kit::access::By;
use fintrac_kit::error::Violation;

use super::{Change, Identity};
use crate::domain::challenge::Purpose;
use crate::error::Error;
use crate::store::{challenges, sessions, users};

impl Identity {
    pub async fn change_password(&self, by: &By, current: &str, new_password: &str) -> Result<(), Error> {
        let (user_id, origin) = (by.principal.user_id, &by.origin);
        let field = "current_password";
        let mut connection = self.pool.acquire().await?;
        self.check_new_password(&mut connection, user_id, new_password).await?;
        drop(connection);
        if current == new_password {
            let text = "Choose another password than the one you have.";
            return Err(Error::Invalid(vec![Violation::new("new_password", "PASSWORD_UNCHANGED", text)]));
        }
        let proved = self.prove_password(user_id, field, current.into(), origin).await?;
        let hash = self.passwords.hash(new_password.into()).await?;
        let mut transaction = self.pool.begin().await?;
        self.lock_proved(&mut transaction, user_id, field, &proved).await?;
        self.ensure_factor_is_fresh(&mut transaction, by).await?;
        let now = self.clock.now();
        users::set_password_hash(&mut transaction, user_id, &hash).await?;
        let version = users::bump(&mut transaction, user_id, now).await?;
        for purpose in [Purpose::ResetPassword, Purpose::ChangeEmail] {
            challenges::close_all(&mut transaction, user_id, purpose, now).await?;
        }
        let others = sessions::lock_open(&mut transaction, user_id).await?.into_iter();
        for session_id in others.filter(|id| *id != by.principal.session_id) {
            self.end_session(&mut transaction, user_id, session_id, origin).await?;
        }
        let session = Some(by.principal.session_id);
        self.note_security(&mut transaction, Some(user_id), "password_changed", session, "", origin).await?;
        let change = Change::of_user(user_id, version, "password_changed", &["password"]);
        self.record(&mut transaction, change, origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(())
    }
}
