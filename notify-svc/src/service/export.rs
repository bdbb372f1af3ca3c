//! Exports the data that notify-svc stores about a user.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{ExportSource, SectionCursor, SectionRow};
use sqlx::PgPool;
use tonic::Status;

use super::Inbox;
use crate::store::export;

impl ExportSource for Inbox {
    const SECTIONS: &'static [&'static str] = &["notifications", "mails", "activity"];

    async fn list_rows(
        &self,
        pool: &PgPool,
        section: &str,
        principal: &Principal,
        after: SectionCursor,
    ) -> Result<Vec<SectionRow>, Status> {
        let mut connection = pool.acquire().await.map_err(|error| error::database(&error))?;
        let rows = match section {
            "notifications" => export::notifications(&mut connection, principal.user_id, after.id).await,
            "mails" => export::emails(&mut connection, principal.user_id, after.id).await,
            _ => {
                export::audit_log(&mut connection, principal.user_id, principal.household_id, after.id).await
            }
        };
        let rows = rows.map_err(|error| error::database(&error))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
