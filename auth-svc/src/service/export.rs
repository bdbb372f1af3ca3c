//! Exports all data about a user that auth-svc stores.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{ExportSource, SectionCursor, SectionRow};
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store;

impl ExportSource for IdentityUseCases {
    const SECTIONS: &'static [&'static str] = &[
        "user",
        "account",
        "preferences",
        "households",
        "roles",
        "notification_channels",
        "challenges",
        "sessions",
        "devices",
        "security_events",
        "ip_rules",
    ];

    async fn list_rows(
        &self,
        pool: &PgPool,
        section: &str,
        principal: &Principal,
        after: SectionCursor,
    ) -> Result<Vec<SectionRow>, Status> {
        let single_row = |json: serde_json::Value| {
            let row = SectionRow { cursor: Uuid::max().into(), json: json.to_string() };
            if after.id.is_nil() { vec![row] } else { Vec::new() }
        };
        match section {
            "user" => {
                let current_user = self.get_current_user(principal).await?;
                Ok(single_row(user(&current_user)))
            }
            "preferences" => {
                let settings = self.get_preferences(principal).await?;
                let preferences = &settings.preferences;
                Ok(single_row(serde_json::json!({
                    "theme": preferences.theme, "locale": preferences.locale,
                    "default_currency": preferences.default_currency, "timezone": preferences.timezone,
                    "large_transaction_limit": settings.limit().map(|limit| limit.to_string()),
                })))
            }
            section => {
                let mut connection = pool.acquire().await.map_err(|error| error::database(&error))?;
                let rows = store::export::page(&mut connection, section, principal.user_id, after.id).await;
                Ok(rows.map_err(Error::from)?.into_iter().map(Into::into).collect())
            }
        }
    }
}

fn user(current_user: &super::CurrentUser) -> serde_json::Value {
    let profile = &current_user.profile;
    serde_json::json!({
        "id": profile.id, "email": profile.email, "pending_email": current_user.pending_email,
        "username": profile.username, "first_name": profile.first_name, "last_name": profile.last_name,
        "phone_number": current_user.phone_number, "mfa_enabled": profile.mfa_enabled,
        "created_at": profile.created_at, "updated_at": profile.updated_at,
    })
}
