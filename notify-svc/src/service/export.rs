//! Everything that is stored about a user here.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{Place, Row, Source};
use sqlx::PgPool;
use tonic::Status;

use super::Inbox;
use crate::store::export;

impl Source for Inbox {
    const SECTIONS: &'static [&'static str] = &["notifications", "mails", "activity"];

    async fn page(
        &self,
        pool: &PgPool,
        section: &str,
        who: &Principal,
        after: Place,
    ) -> Result<Vec<Row>, Status> {
        let mut connection = pool.acquire().await.map_err(|error| error::database(&error))?;
        let rows = match section {
            "notifications" => export::notifications(&mut connection, who.user_id, after.id).await,
            "mails" => export::mails(&mut connection, who.user_id, after.id).await,
            _ => export::activity(&mut connection, who.user_id, who.household_id, after.id).await,
        };
        let rows = rows.map_err(|error| error::database(&error))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
