//! A user's sessions, and ending one from any device.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::Identity;
use crate::error::Error;
use crate::store::sessions::{self, OpenSession};
use crate::store::users;

impl Identity {
    /// The one seen last first.
    pub async fn list_sessions(&self, by: &By) -> Result<Vec<OpenSession>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(sessions::list_open(&mut connection, by.principal.user_id, self.clock.now()).await?)
    }

    pub async fn end_one_session(&self, by: &By, session_id: Uuid) -> Result<(), Error> {
        let user_id = by.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let session = sessions::lock(&mut transaction, session_id).await?;
        let session = session.filter(|it| it.user_id == user_id && it.is_live(self.clock.now()));
        let session = session.ok_or(Error::NotFound("session"))?;
        // One's own is a logout.
        if session.id != by.principal.session_id {
            self.ensure_reauthenticated(&mut transaction, by).await?;
        }
        self.end_session(&mut transaction, user_id, session.id, &by.origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(())
    }
}
