//! Records security events and lists them, for one user or for all users.

use std::sync::Arc;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::token_verifier::TokenVerifier;
use fintrac_kit::access::{DeniedCall, RequestContext};
use fintrac_kit::error::chain;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::security_events::{self, SecurityEvent, SecurityEventFilter, SecurityEventRow};
use crate::store::users;

/// The page that was requested.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    pub size: Option<i32>,
    pub token: String,
}

impl IdentityUseCases {
    /// Records a security event.
    /// Address and client of the actor are left out if the actor is another user than `user_id`.
    pub(super) async fn record_security_event(
        &self,
        connection: &mut PgConnection,
        user_id: Option<Uuid>,
        kind: &str,
        session_id: Option<Uuid>,
        detail: &str,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        let occurred_at = self.clock.now();
        let id = self.random.id(occurred_at);
        let event = SecurityEvent { id, user_id, kind, session_id, detail, occurred_at };
        let is_of_another =
            Uuid::parse_str(&origin.actor).is_ok_and(|actor| user_id.is_some_and(|user_id| user_id != actor));
        let without_client = RequestOrigin { actor: origin.actor.clone(), ..RequestOrigin::default() };
        let origin = if is_of_another { &without_client } else { origin };
        security_events::insert(connection, &event, origin).await
    }

    /// Stores calls that were denied for a missing permission.
    pub async fn insert_denied_calls(&self, calls: &[DeniedCall]) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for call in calls {
            if users::find(&mut transaction, call.user_id).await?.is_none() {
                continue;
            }
            let origin = RequestOrigin {
                actor: call.user_id.to_string(),
                client: call.client.clone(),
                request_id: call.request_id.clone(),
            };
            let event = SecurityEvent {
                id: self.random.id(call.denied_at),
                user_id: Some(call.user_id),
                kind: "permission_denied",
                session_id: Some(call.session_id),
                detail: call.permission,
                occurred_at: call.denied_at,
            };
            security_events::insert(&mut transaction, &event, &origin).await?;
        }
        transaction.commit().await
    }

    /// Lists the caller's security events, the newest first.
    pub async fn list_user_security_events(
        &self,
        ctx: &RequestContext,
        page: &PageQuery,
    ) -> Result<Page<SecurityEventRow>, Error> {
        let page = PageRequest::new(page.size, &page.token, "my security events")?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let user_id = ctx.principal.user_id;
        let rows = security_events::list_for_user(&mut connection, user_id, before, page.limit()).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    /// Lists the security events of all users, the newest first.
    pub async fn list_security_events(
        &self,
        filter: &SecurityEventFilter,
        page: &PageQuery,
    ) -> Result<Page<SecurityEventRow>, Error> {
        let page = PageRequest::new(page.size, &page.token, &format!("security events {filter:?}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = security_events::list(&mut connection, filter, before, page.limit()).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }
}

/// Stores the calls that this process denies, until `shutdown`.
/// Other processes report theirs.
pub async fn record_denied_calls(
    identity: Arc<IdentityUseCases>,
    token_verifier: Arc<TokenVerifier>,
    shutdown: CancellationToken,
) {
    let Some(mut denied) = token_verifier.take_denied_calls() else { return };
    while let Some(calls) = shutdown.run_until_cancelled(denied.next_batch()).await {
        if let Err(error) = identity.insert_denied_calls(&calls).await {
            tracing::warn!(error = %chain(&error), lost = calls.len(), "denied calls could not be stored");
        }
    }
}
