//! Manages custom roles.
//! A change of permissions applies to issued tokens within a second.

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_service::use_case::{EntityChange, WriteContext, WriteTransaction};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{IdentityUseCases, user_change};
use crate::domain::role::{self, Role};
use crate::error::Error;
use crate::store::roles;

/// The maximum number of custom roles.
const MAX_ROLES: usize = 100;

impl IdentityUseCases {
    /// Lists the roles, the built-in ones first.
    pub async fn list_roles(&self) -> Result<Vec<Role>, Error> {
        let own = roles::list(&mut *self.pool.acquire().await?).await?;
        Ok(role::built_in_roles().into_iter().chain(own).collect())
    }

    pub async fn create_role(
        &self,
        ctx: &WriteContext<Role>,
        name: &str,
        permissions: &[String],
    ) -> Result<Role, Error> {
        let mut transaction = self.begin_idempotent(ctx).await?;
        roles::lock(&mut transaction).await?;
        let mut violations = Vec::new();
        let name = role::parse_name(name).map_err(|violation| violations.push(violation)).unwrap_or_default();
        let permissions =
            role::parse_permissions(permissions).map_err(|more| violations.extend(more)).unwrap_or_default();
        if violations.is_empty() && self.role(&mut transaction, &name).await?.is_some() {
            violations.push(FieldViolation::from_code("name", FieldCode::NameTaken));
        }
        if roles::list(&mut transaction).await?.len() >= MAX_ROLES {
            let text = "The system can have at most 100 roles. Delete one first.";
            violations.push(FieldViolation::new("name", FieldCode::TooManyItems, text));
        }
        if !violations.is_empty() {
            return Err(violations.into());
        }
        let created = Role { name, permissions, is_built_in: false, version: 1 };
        self.ensure_may_define(&mut transaction, ctx, &created).await?;
        roles::insert(&mut transaction, &created, self.clock.now()).await?;
        transaction.record_change(role_change(ctx, &created, "created", &["permissions"])).await?;
        self.publish(transaction.commit_with(created)).await
    }

    pub async fn update_role(
        &self,
        ctx: &RequestContext,
        name: &str,
        permissions: &[String],
        expected_version: Option<i64>,
    ) -> Result<Role, Error> {
        let (mut transaction, before) = self.begin_with_role(ctx, name, expected_version).await?;
        let permissions = role::parse_permissions(permissions)?;
        self.ensure_may_define(&mut transaction, ctx, &before).await?;
        if before.permissions == permissions {
            return Ok(before);
        }
        let version = before.version.saturating_add(1);
        let after = Role { permissions, version, ..before };
        self.ensure_may_define(&mut transaction, ctx, &after).await?;
        roles::update(&mut transaction, &after, self.clock.now()).await?;
        transaction.record_change(role_change(ctx, &after, "updated", &["permissions"])).await?;
        self.publish(transaction.commit()).await?;
        Ok(after)
    }

    pub async fn delete_role(
        &self,
        ctx: &RequestContext,
        name: &str,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let (mut transaction, mut role) = self.begin_with_role(ctx, name, expected_version).await?;
        self.ensure_may_define(&mut transaction, ctx, &role).await?;
        if roles::is_in_use(&mut transaction, &role.name).await? {
            return Err(ProblemCode::RoleInUse.into());
        }
        roles::delete(&mut transaction, &role.name).await?;
        role.version = role.version.saturating_add(1);
        transaction.record_change(role_change(ctx, &role, "deleted", &[])).await?;
        self.publish(transaction.commit()).await
    }

    /// Finds a role by name, built in or custom.
    pub(super) async fn role(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> Result<Option<Role>, sqlx::Error> {
        match role::built_in_roles().into_iter().find(|role| role.name == name) {
            Some(role) => Ok(Some(role)),
            None => roles::find(connection, name).await,
        }
    }

    /// Begins a transaction that changes a custom role.
    async fn begin_with_role(
        &self,
        ctx: &RequestContext,
        name: &str,
        expected_version: Option<i64>,
    ) -> Result<(WriteTransaction, Role), Error> {
        let mut transaction = self.begin(ctx).await?;
        roles::lock(&mut transaction).await?;
        let name = name.trim().to_ascii_lowercase();
        if role::is_built_in(&name) {
            return Err(ProblemCode::RoleBuiltIn.into());
        }
        let role = roles::find(&mut transaction, &name).await?.ok_or_else(|| Error::not_found("role"))?;
        Error::check_version(expected_version, role.version)?;
        Ok((transaction, role))
    }

    /// Ensures that the caller has every permission of the role.
    async fn ensure_may_define(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        role: &Role,
    ) -> Result<(), Error> {
        let own_permissions = self.user_permissions(connection, ctx.principal.user_id).await?;
        if role.permissions.is_subset(&own_permissions) {
            return Ok(());
        }
        Err(Error::forbidden("You need every permission that the role has. Ask an administrator."))
    }
}

fn role_change<'a>(
    ctx: &RequestContext,
    role: &Role,
    kind: &'static str,
    changed: &'a [&'a str],
) -> EntityChange<'a> {
    let change = user_change(ctx.principal.user_id, role.version, kind, changed);
    EntityChange { entity: "role", entity_id: role_id(&role.name), ..change }
}

/// Derives the id of a role in events from its name, by a hash (UUIDv8).
fn role_id(name: &str) -> Uuid {
    let digest = Sha256::digest(name.as_bytes());
    uuid::Builder::from_custom_bytes(digest.first_chunk().copied().unwrap_or_default()).into_uuid()
}
