//! Looking after other people's accounts: find, lock, unlock, roles, sessions.
//!
//! Nobody acts on somebody who may do more than himself, nor gives what he does
//! not have; the last administrator stays one.

use std::collections::BTreeSet;

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::FieldViolation;
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChangeEvent, Identity, PageQuery};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::role;
use crate::error::Error;
use crate::store::managed_users::{self, Filter, ManagedUser};
use crate::store::{challenges, roles, sessions, users};

/// Roles of one user: his access tokens name them all.
const MAX_ROLES_PER_USER: usize = 20;
const STATUSES: [&str; 5] = ["unverified", "active", "locked", "pending_deletion", "erased"];

/// What is to change; absent: as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    pub is_locked: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub end_sessions: bool,
}

/// Which users, as somebody wrote it.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// The beginning of an address or a username, or an id.
    pub query: String,
    pub status: String,
    pub role: String,
}

impl UserQuery {
    fn filter(&self) -> Result<Filter, Error> {
        let text = |text: &str| Some(text.trim().to_lowercase()).filter(|text| !text.is_empty());
        let status = text(&self.status);
        if status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
            let hint = format!("Send one of {}.", STATUSES.join(", "));
            return Err(Error::Query(vec![FieldViolation::new("status", "STATUS_INVALID", hint)]));
        }
        // A whole address is looked for by its key.
        let query =
            Email::parse(&self.query).map(|email| email.key().to_owned()).or_else(|| text(&self.query));
        let id = query.as_deref().and_then(|query| Uuid::parse_str(query).ok());
        let escape = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = query.filter(|_| id.is_none()).map(|query| format!("{}%", escape(&query)));
        Ok(Filter { id, pattern, status, role: text(&self.role) })
    }
}

impl Identity {
    /// Newest first.
    pub async fn list_users(&self, query: &UserQuery, page: &PageQuery) -> Result<Page<ManagedUser>, Error> {
        let filter = query.filter()?;
        let page = PageRequest::new(page.size, &page.token, &format!("users {filter:?}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let now = self.clock.now();
        let rows = managed_users::list(&mut connection, &filter, before, page.limit(), now).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    pub async fn get_user(&self, user_id: Uuid) -> Result<ManagedUser, Error> {
        let mut connection = self.pool.acquire().await?;
        let user = managed_users::find(&mut connection, user_id, self.clock.now()).await?;
        user.ok_or(Error::NotFound("user"))
    }

    pub async fn update_user(
        &self,
        ctx: &RequestContext,
        user_id: Uuid,
        changes: &UserChanges,
        expected_version: Option<i64>,
    ) -> Result<ManagedUser, Error> {
        let mut transaction = self.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        let user = users::lock(&mut transaction, user_id).await?.filter(|user| user.erased_at.is_none());
        let user = user.ok_or(Error::NotFound("user"))?;
        if expected_version.is_some_and(|version| version != user.version) {
            return Err(Error::VersionMismatch);
        }
        let own_permissions = self.user_permissions(&mut transaction, ctx.principal.user_id).await?;
        let user_permissions = self.user_permissions(&mut transaction, user_id).await?;
        if !user_permissions.is_subset(&own_permissions) {
            return Err(Error::Forbidden("This user may do more than you; ask an administrator."));
        }
        if let Some(names) = &changes.roles {
            // An unverified address may belong to another person.
            if !user.email_verified {
                return Err(Error::Forbidden("This user has not confirmed the address yet."));
            }
            self.set_roles(&mut transaction, ctx, user_id, names, &own_permissions).await?;
        }
        if let Some(is_locked) = changes.is_locked
            && is_locked != user.locked_at.is_some()
        {
            self.set_locked(&mut transaction, ctx, user_id, is_locked).await?;
        }
        if changes.end_sessions {
            self.end_all_sessions(&mut transaction, ctx, user_id).await?;
        }
        let after = managed_users::find(&mut transaction, user_id, self.clock.now()).await?;
        transaction.commit().await?;
        self.wake_signal.wake();
        self.publisher.refresh_now();
        after.ok_or(Error::NotFound("user"))
    }

    async fn set_locked(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        user_id: Uuid,
        is_locked: bool,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        if is_locked && user_id == ctx.principal.user_id {
            let text = "You cannot lock yourself.";
            return Err(Error::Invalid(vec![FieldViolation::new("is_locked", "CANNOT_MODIFY_SELF", text)]));
        }
        if is_locked {
            self.ensure_admin_remains(connection, user_id).await?;
            self.end_all_sessions(connection, ctx, user_id).await?;
            // What is on its way by email must not be good again after the lock.
            for purpose in [Purpose::ResetPassword, Purpose::ChangeEmail] {
                challenges::close_all(connection, user_id, purpose, now).await?;
            }
        }
        users::set_locked(connection, user_id, is_locked.then_some(now)).await?;
        let version = users::increment_version(connection, user_id, now).await?;
        let kind = if is_locked { "locked" } else { "unlocked" };
        self.record_security_event(connection, Some(user_id), kind, None, "", &ctx.origin).await?;
        let change = ChangeEvent::for_user(user_id, version, kind, &["is_locked"]);
        Ok(self.record(connection, change, &ctx.origin).await?)
    }

    /// Another set of roles ends the user's sessions: his tokens name the old ones.
    async fn set_roles(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        user_id: Uuid,
        names: &[String],
        own_permissions: &BTreeSet<String>,
    ) -> Result<(), Error> {
        if !own_permissions.contains(role::ASSIGN_ROLES) {
            return Err(Error::Forbidden("Changing roles needs the permission roles:write."));
        }
        let names: BTreeSet<_> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        if names.len() > MAX_ROLES_PER_USER {
            let text = format!("Send at most {MAX_ROLES_PER_USER} roles.");
            return Err(Error::Invalid(vec![FieldViolation::new("roles", "TOO_MANY_ITEMS", text)]));
        }
        let mut wanted = BTreeSet::new();
        for name in names {
            if self.role(connection, &name).await?.is_none() {
                let name: String = name.chars().take(64).collect();
                let text = format!("There is no role {name}.");
                return Err(Error::Invalid(vec![FieldViolation::new("roles", "ROLE_NOT_FOUND", text)]));
            }
            wanted.insert(name);
        }
        let current = roles::list_for_user(connection, user_id).await?;
        if wanted == current {
            return Ok(());
        }
        if current.contains(role::ADMIN) && !wanted.contains(role::ADMIN) {
            self.ensure_admin_remains(connection, user_id).await?;
        }
        let given = self.role_permissions(connection, &wanted).await?;
        if !given.is_subset(own_permissions) {
            return Err(Error::Forbidden("You cannot give permissions that you do not have."));
        }
        roles::set_for_user(connection, user_id, &wanted).await?;
        let version = users::increment_version(connection, user_id, self.clock.now()).await?;
        self.end_all_sessions(connection, ctx, user_id).await?;
        self.record_security_event(connection, Some(user_id), "roles_changed", None, "", &ctx.origin).await?;
        let change = ChangeEvent::for_user(user_id, version, "roles_changed", &["roles"]);
        Ok(self.record(connection, change, &ctx.origin).await?)
    }

    async fn end_all_sessions(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        user_id: Uuid,
    ) -> Result<(), Error> {
        for session_id in sessions::lock_open(connection, user_id).await? {
            self.end_session(connection, user_id, session_id, &ctx.origin).await?;
        }
        Ok(())
    }

    /// Refuses what would leave nobody to administrate.
    async fn ensure_admin_remains(&self, connection: &mut PgConnection, user_id: Uuid) -> Result<(), Error> {
        let is_admin = roles::list_for_user(connection, user_id).await?.contains(role::ADMIN);
        if is_admin && !roles::has_other_admin(connection, user_id).await? {
            return Err(Error::LastAdmin);
        }
        Ok(())
    }

    pub(super) async fn user_permissions(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
    ) -> Result<BTreeSet<String>, Error> {
        let names = roles::list_for_user(connection, user_id).await?;
        self.role_permissions(connection, &names).await
    }

    async fn role_permissions(
        &self,
        connection: &mut PgConnection,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Error> {
        let mut all = BTreeSet::new();
        for name in names {
            all.extend(self.role(connection, name).await?.into_iter().flat_map(|role| role.permissions));
        }
        Ok(all)
    }
}
