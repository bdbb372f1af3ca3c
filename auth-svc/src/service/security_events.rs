//! Records security events and lists them, for one user or for all users.

use std::sync::Arc;

use kit_access::caller::RequestOrigin;
use kit_access::token_verifier::TokenVerifier;
use kit_access::{DeniedCall, RequestContext};
use kit_core::error::chain;
use kit_core::pagination::{Cursor, Page, PageRequest};
use kit_service::use_case::WriteTransaction;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{IdentityUseCases, user_change};
use crate::error::Error;
use crate::store::security_events::{self, SecurityEvent, SecurityEventFilter, SecurityEventRow};
use crate::store::users;

impl IdentityUseCases {
    /// Records a security event.
    /// Address and client of the actor are left out if the actor is another user than `user_id`.
    pub(super) async fn record_security_event(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Option<Uuid>,
        kind: &str,
        session_id: Option<Uuid>,
    ) -> Result<(), sqlx::Error> {
        let (id, occurred_at) = (self.new_id(), self.clock.now());
        let event = SecurityEvent { id, user_id, kind, session_id, detail: "", occurred_at };
        let mut origin = transaction.actor().origin.clone();
        let actor = Uuid::parse_str(&origin.actor).ok();
        if actor.zip(user_id).is_some_and(|(actor, user_id)| actor != user_id) {
            origin = RequestOrigin { actor: origin.actor, ..RequestOrigin::default() };
        }
        security_events::insert(transaction, &event, &origin).await
    }

    /// Records a change of the user record, with a security event of the same kind.
    pub(super) async fn record_account_change(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        kind: &'static str,
        changed: &[&str],
    ) -> Result<(), Error> {
        self.record_security_event(transaction, Some(user_id), kind, None).await?;
        let version = users::increment_version(transaction, user_id, self.clock.now()).await?;
        Ok(transaction.record_change(user_change(user_id, version, kind, changed)).await?)
    }

    /// Stores calls that were denied for a missing permission.
    pub async fn insert_denied_calls(&self, calls: &[DeniedCall]) -> Result<(), Error> {
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
        Ok(transaction.commit().await?)
    }

    /// Lists the caller's security events, the newest first.
    pub async fn list_user_security_events(
        &self,
        ctx: &RequestContext,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<SecurityEventRow>, Error> {
        let page = PageRequest::new(size, token, "my security events")?;
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
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<SecurityEventRow>, Error> {
        let page = PageRequest::new(size, token, &format!("security events {filter:?}"))?;
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
