//! Manages custom roles.
//! A change of permissions applies to issued tokens within a second.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::{FieldCode, FieldViolation, ProblemCode};
use fintrac_kit::idempotency::{IdempotentResult, Key};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChangeEvent, IdentityUseCases};
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
        ctx: &RequestContext,
        name: &str,
        permissions: &[String],
        key: Option<Key>,
        encode: fn(&Role) -> Vec<u8>,
    ) -> Result<IdempotentResult<Role>, Error> {
        let mut transaction = self.pool.begin().await?;
        if let Some(stored) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(stored);
        }
        roles::lock(&mut transaction).await?;
        let mut violations = Vec::new();
        let name = role::parse_name(name).map_err(|violation| violations.push(violation)).unwrap_or_default();
        let permissions =
            role::parse_permissions(permissions).map_err(|more| violations.extend(more)).unwrap_or_default();
        if violations.is_empty() && self.role(&mut transaction, &name).await?.is_some() {
            violations.push(FieldViolation::from_code("name", FieldCode::NameTaken));
        }
        if roles::list(&mut transaction).await?.len() >= MAX_ROLES {
            violations.push(FieldViolation::new(
                "name",
                FieldCode::TooManyItems,
                "The system can have at most 100 roles. Delete one first.",
            ));
        }
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        let created = Role { name, permissions, is_built_in: false, version: 1 };
        self.ensure_may_define(&mut transaction, ctx, &created).await?;
        roles::insert(&mut transaction, &created, self.clock.now()).await?;
        self.record(&mut transaction, role_change(ctx, &created, "created", &["permissions"]), &ctx.origin)
            .await?;
        self.store_response(&mut transaction, key.as_ref(), &encode(&created)).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(IdempotentResult::New(created))
    }

    pub async fn update_role(
        &self,
        ctx: &RequestContext,
        name: &str,
        permissions: &[String],
        expected_version: Option<i64>,
    ) -> Result<Role, Error> {
        let mut transaction = self.pool.begin().await?;
        let before = self.lock_own_role(&mut transaction, name, expected_version).await?;
        let permissions = role::parse_permissions(permissions).map_err(Error::Invalid)?;
        self.ensure_may_define(&mut transaction, ctx, &before).await?;
        if before.permissions == permissions {
            return Ok(before);
        }
        let version = before.version.saturating_add(1);
        let after = Role { permissions, version, ..before };
        self.ensure_may_define(&mut transaction, ctx, &after).await?;
        roles::update(&mut transaction, &after, self.clock.now()).await?;
        self.record(&mut transaction, role_change(ctx, &after, "updated", &["permissions"]), &ctx.origin)
            .await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(after)
    }

    pub async fn delete_role(
        &self,
        ctx: &RequestContext,
        name: &str,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let mut role = self.lock_own_role(&mut transaction, name, expected_version).await?;
        self.ensure_may_define(&mut transaction, ctx, &role).await?;
        if roles::is_in_use(&mut transaction, &role.name).await? {
            return Err(ProblemCode::RoleInUse.into());
        }
        roles::delete(&mut transaction, &role.name).await?;
        role.version = role.version.saturating_add(1);
        self.record(&mut transaction, role_change(ctx, &role, "deleted", &[]), &ctx.origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
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

    async fn lock_own_role(
        &self,
        connection: &mut PgConnection,
        name: &str,
        expected_version: Option<i64>,
    ) -> Result<Role, Error> {
        roles::lock(connection).await?;
        let name = name.trim().to_ascii_lowercase();
        if role::is_built_in(&name) {
            return Err(ProblemCode::RoleBuiltIn.into());
        }
        let role = roles::find(connection, &name).await?.ok_or(Error::NotFound("role"))?;
        if expected_version.is_some_and(|version| version != role.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        Ok(role)
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
        Err(Error::Forbidden("You need every permission that the role has. Ask an administrator."))
    }
}

fn role_change<'a>(
    ctx: &RequestContext,
    role: &Role,
    kind: &'static str,
    changed: &'a [&'a str],
) -> ChangeEvent<'a> {
    let user_id = ctx.principal.user_id;
    ChangeEvent {
        user_id,
        household_id: None,
        entity: "role",
        entity_id: role_id(&role.name),
        version: role.version,
        kind,
        changed,
    }
}

/// Derives the id of a role in events from its name, by a hash (UUIDv8).
fn role_id(name: &str) -> Uuid {
    let digest = Sha256::digest(name.as_bytes());
    uuid::Builder::from_custom_bytes(digest.first_chunk().copied().unwrap_or_default()).into_uuid()
}
