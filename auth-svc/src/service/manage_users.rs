//! Manages accounts: search, lock, unlock, roles, sessions.
//!
//! Administrators cannot change users who have more permissions than they have, and cannot grant
//! permissions that they lack. At least one administrator remains.

use std::collections::BTreeSet;

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_core::pagination::{Cursor, Page, PageRequest};
use kit_service::use_case::WriteTransaction;
use sqlx::PgConnection;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::role;
use crate::error::Error;
use crate::store::managed_users::{self, ManagedUser, UserFilter};
use crate::store::{challenges, roles, users};

/// The maximum number of roles of one user; access tokens name all of them.
const MAX_ROLES_PER_USER: usize = 20;
const STATUSES: [&str; 5] = ["unverified", "active", "locked", "pending_deletion", "erased"];

/// The changes to a user; an absent field stays unchanged.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    pub is_locked: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub end_sessions: bool,
}

/// The search for users as it was sent.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// The beginning of an email address or username, or an id.
    pub query: String,
    pub status: String,
    pub role: String,
}

impl UserQuery {
    fn filter(&self) -> Result<UserFilter, Error> {
        let text = |text: &str| Some(text.trim().to_lowercase()).filter(|text| !text.is_empty());
        let status = text(&self.status);
        if status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
            let hint = format!("The status must be one of {}. Send one of them.", STATUSES.join(", "));
            return Err(Error::query(vec![FieldViolation::new("status", FieldCode::StatusInvalid, hint)]));
        }
        // A complete address is matched by its key.
        let query =
            Email::parse(&self.query).map(|email| email.key().to_owned()).or_else(|| text(&self.query));
        let id = query.as_deref().and_then(|query| Uuid::parse_str(query).ok());
        let escape = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = query.filter(|_| id.is_none()).map(|query| format!("{}%", escape(&query)));
        Ok(UserFilter { id, pattern, status, role: text(&self.role) })
    }
}

impl IdentityUseCases {
    /// Lists the users, the newest first.
    pub async fn list_users(
        &self,
        query: &UserQuery,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<ManagedUser>, Error> {
        let filter = query.filter()?;
        let page = PageRequest::new(size, token, &format!("users {filter:?}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let now = self.clock.now();
        let rows = managed_users::list(&mut connection, &filter, before, page.limit(), now).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    pub async fn get_user(&self, user_id: Uuid) -> Result<ManagedUser, Error> {
        let mut connection = self.pool.acquire().await?;
        let user = managed_users::find(&mut connection, user_id, self.clock.now()).await?;
        user.ok_or_else(|| Error::not_found("user"))
    }

    pub async fn update_user(
        &self,
        ctx: &RequestContext,
        user_id: Uuid,
        changes: &UserChanges,
        expected_version: Option<i64>,
    ) -> Result<ManagedUser, Error> {
        let mut transaction = self.begin(ctx).await?;
        roles::lock(&mut transaction).await?;
        let user = users::lock(&mut transaction, user_id).await?.filter(|user| user.erased_at.is_none());
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        Error::check_version(expected_version, user.version)?;
        let own_permissions = self.ensure_may_manage(&mut transaction, ctx, user_id).await?;
        if let Some(names) = &changes.roles {
            // An unverified address may belong to another person.
            if !user.email_verified {
                let text = "The user must verify the email address first. Try again afterwards.";
                return Err(Error::forbidden(text));
            }
            self.set_roles(&mut transaction, user_id, names, &own_permissions).await?;
        }
        if let Some(is_locked) = changes.is_locked
            && is_locked != user.locked_at.is_some()
        {
            if is_locked && user_id == ctx.principal.user_id {
                return Err(FieldViolation::from_code("is_locked", FieldCode::CannotModifySelf).into());
            }
            self.set_locked(&mut transaction, user_id, is_locked).await?;
        }
        if changes.end_sessions {
            self.end_all_sessions(&mut transaction, user_id).await?;
        }
        let after = managed_users::find(&mut transaction, user_id, self.clock.now()).await?;
        self.publish(transaction.commit()).await?;
        after.ok_or_else(|| Error::not_found("user"))
    }

    async fn set_locked(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        is_locked: bool,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        if is_locked {
            self.ensure_admin_remains(transaction, user_id).await?;
            self.end_all_sessions(transaction, user_id).await?;
            // Emails that were sent before the lock must not work after an unlock.
            for purpose in [Purpose::ResetPassword, Purpose::ChangeEmail] {
                challenges::close_all(transaction, user_id, purpose, now).await?;
            }
        }
        users::set_locked(transaction, user_id, is_locked.then_some(now)).await?;
        let kind = if is_locked { "locked" } else { "unlocked" };
        self.record_account_change(transaction, user_id, kind, &["is_locked"]).await
    }

    /// Replaces the roles and ends the sessions, whose tokens name the old roles.
    async fn set_roles(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        names: &[String],
        own_permissions: &BTreeSet<String>,
    ) -> Result<(), Error> {
        if !own_permissions.contains(role::ASSIGN_ROLES) {
            return Err(Error::forbidden("You need the permission roles:write. Ask an administrator."));
        }
        let new_roles: BTreeSet<_> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        if new_roles.len() > MAX_ROLES_PER_USER {
            let text = format!("A user can have at most {MAX_ROLES_PER_USER} roles. Send fewer.");
            return Err(FieldViolation::new("roles", FieldCode::TooManyItems, text).into());
        }
        for name in &new_roles {
            if self.role(transaction, name).await?.is_none() {
                let name: String = name.chars().take(64).collect();
                let text = format!("There is no role {name}. GET /admin/roles lists all roles.");
                return Err(FieldViolation::new("roles", FieldCode::RoleNotFound, text).into());
            }
        }
        let current = roles::list_for_user(transaction, user_id).await?;
        if new_roles == current {
            return Ok(());
        }
        if current.contains(role::ADMIN) && !new_roles.contains(role::ADMIN) {
            self.ensure_admin_remains(transaction, user_id).await?;
        }
        let given = self.role_permissions(transaction, &new_roles).await?;
        if !given.is_subset(own_permissions) {
            return Err(Error::forbidden("You need every permission that you grant. Choose other roles."));
        }
        roles::set_for_user(transaction, user_id, &new_roles).await?;
        self.end_all_sessions(transaction, user_id).await?;
        self.record_account_change(transaction, user_id, "roles_changed", &["roles"]).await
    }

    /// Rejects a change after which no administrator would remain.
    pub(super) async fn ensure_admin_remains(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
    ) -> Result<(), Error> {
        let is_admin = roles::list_for_user(connection, user_id).await?.contains(role::ADMIN);
        if is_admin && !roles::has_other_admin(connection, user_id).await? {
            return Err(ProblemCode::LastAdmin.into());
        }
        Ok(())
    }

    /// Ensures that the caller has every permission of the user.
    /// Returns the caller's permissions.
    pub(super) async fn ensure_may_manage(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        user_id: Uuid,
    ) -> Result<BTreeSet<String>, Error> {
        let own_permissions = self.user_permissions(connection, ctx.principal.user_id).await?;
        if self.user_permissions(connection, user_id).await?.is_subset(&own_permissions) {
            return Ok(own_permissions);
        }
        Err(Error::forbidden("You need every permission that this user has. Ask an administrator."))
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
