//! Reauthenticates the caller within the session. Operations that change how a user
//! logs in require it, because a stolen access token must not be enough.

use chrono::TimeDelta;
use fintrac_kit::access::By;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::Identity;
use crate::error::Error;
use crate::store::{second_factors, sessions};

/// How long a login, or a proof since, stays fresh.
const REAUTHENTICATION_LIFETIME: TimeDelta = TimeDelta::minutes(5);

impl Identity {
    /// Password, and a code of the second factor where there is one.
    pub async fn reauthenticate(&self, by: &By, password: SecretString, code: &str) -> Result<(), Error> {
        let (user_id, session_id) = (by.principal.user_id, by.principal.session_id);
        let proved = self.prove_password(user_id, "password", password, &by.origin).await?;
        let ticket = self.count_code(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        let user = self.lock_proved(&mut transaction, user_id, "password", &proved).await?;
        let answered = self.ask_for_code(&mut transaction, &user, code, ticket, &by.origin).await?;
        if answered.is_ok() {
            sessions::set_authenticated_at(&mut transaction, session_id, self.clock.now()).await?;
            let session = Some(session_id);
            self.note_security(&mut transaction, Some(user_id), "reauthenticated", session, "", &by.origin)
                .await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        answered
    }

    /// Refuses a session whose last proof is not fresh.
    pub(super) async fn ensure_reauthenticated(
        &self,
        connection: &mut PgConnection,
        by: &By,
    ) -> Result<(), Error> {
        let at = sessions::authenticated_at(connection, by.principal.session_id).await?;
        match at {
            Some(at) if self.clock.now() - at < REAUTHENTICATION_LIFETIME => Ok(()),
            Some(_) | None => Err(Error::ReauthenticationRequired),
        }
    }

    /// The same for what asks for the password by itself: only the factor is missing.
    pub(super) async fn ensure_factor_is_fresh(
        &self,
        connection: &mut PgConnection,
        by: &By,
    ) -> Result<(), Error> {
        if second_factors::is_enabled(connection, by.principal.user_id).await? {
            return self.ensure_reauthenticated(connection, by).await;
        }
        Ok(())
    }
}
