//! Manages IP rules, which take effect within a second.
//! Administrators cannot lock themselves out.

use fintrac_kit::access::{EnforcedIpRules, RequestContext};
use fintrac_kit::database::violated_constraint;
use fintrac_kit::error::{FieldCode, FieldViolation, ProblemCode};
use fintrac_kit::idempotency::{IdempotentResult, Key};
use fintrac_kit::pagination::{Cursor, Page, PageRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChangeEvent, IdentityUseCases, PageQuery};
use crate::domain::ip_rule::IpRuleInput;
use crate::error::Error;
use crate::store::ip_rules::{self, IpRule};
use crate::store::{roles, users};

impl IdentityUseCases {
    /// Lists the rules, the newest first.
    pub async fn list_ip_rules(&self, page: &PageQuery) -> Result<Page<IpRule>, Error> {
        let page = PageRequest::new(page.size, &page.token, "ip rules")?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = ip_rules::list(&mut connection, before, page.limit()).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    pub async fn create_ip_rule(
        &self,
        ctx: &RequestContext,
        input: &IpRuleInput,
        key: Option<Key>,
        encode: fn(&IpRule) -> Vec<u8>,
    ) -> Result<IdempotentResult<IpRule>, Error> {
        let new_rule = input.check().map_err(Error::Invalid)?;
        let invalid =
            |field: &str, code, text: &str| Error::Invalid(vec![FieldViolation::new(field, code, text)]);
        let mut transaction = self.pool.begin().await?;
        if let Some(stored) = self.claim_key(&mut transaction, key.as_ref()).await? {
            return Ok(stored);
        }
        roles::lock(&mut transaction).await?;
        if let Some(user_id) = new_rule.user_id
            && users::find(&mut transaction, user_id).await?.is_none_or(|user| user.erased_at.is_some())
        {
            return Err(invalid(
                "user_id",
                FieldCode::UserNotFound,
                "There is no user with this id. Check it.",
            ));
        }
        self.ensure_may_manage(&mut transaction, ctx, new_rule.user_id).await?;
        if ip_rules::count(&mut transaction).await? >= ip_rules::MAX_IP_RULES {
            return Err(invalid(
                "cidr",
                FieldCode::TooManyItems,
                "The system can have at most 10,000 IP rules. Delete one first.",
            ));
        }
        let now = self.clock.now();
        let rule = IpRule {
            id: self.random.id(now),
            user_id: new_rule.user_id,
            action: new_rule.action,
            cidr: new_rule.network.to_string(),
            note: new_rule.note.clone(),
            created_at: now,
        };
        ip_rules::insert(&mut transaction, rule.id, &new_rule, now).await.map_err(|error| {
            match violated_constraint(&error) {
                Some("ip_rules_user_id_network_key") => invalid(
                    "cidr",
                    FieldCode::NameTaken,
                    "A rule for this network and these users already exists. Delete it first.",
                ),
                _ => Error::Database(error),
            }
        })?;
        self.ensure_not_locked_out(&mut transaction, ctx).await?;
        self.record(&mut transaction, ip_rule_change(ctx, &rule, 1, "created"), &ctx.origin).await?;
        self.store_response(&mut transaction, key.as_ref(), &encode(&rule)).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(IdempotentResult::New(rule))
    }

    pub async fn delete_ip_rule(&self, ctx: &RequestContext, id: Uuid) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        let rule = ip_rules::delete(&mut transaction, id).await?.ok_or(Error::NotFound("rule"))?;
        self.ensure_may_manage(&mut transaction, ctx, rule.user_id).await?;
        self.ensure_not_locked_out(&mut transaction, ctx).await?;
        self.record(&mut transaction, ip_rule_change(ctx, &rule, 2, "deleted"), &ctx.origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }

    /// Ensures that the caller has every permission of the rule's user.
    async fn ensure_may_manage(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        user_id: Option<Uuid>,
    ) -> Result<(), Error> {
        let Some(user_id) = user_id else { return Ok(()) };
        let own_permissions = self.user_permissions(connection, ctx.principal.user_id).await?;
        if self.user_permissions(connection, user_id).await?.is_subset(&own_permissions) {
            return Ok(());
        }
        Err(Error::Forbidden("You need every permission that this user has. Ask an administrator."))
    }

    /// Rejects rules that would deny the caller's own address.
    async fn ensure_not_locked_out(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let rules: EnforcedIpRules =
            ip_rules::list_all(connection).await?.iter().filter_map(IpRule::to_enforced).collect();
        if rules.allows_user(ctx.principal.user_id, ctx.origin.client.ip) {
            return Ok(());
        }
        Err(ProblemCode::SelfLockout.into())
    }
}

fn ip_rule_change(
    ctx: &RequestContext,
    rule: &IpRule,
    version: i64,
    kind: &'static str,
) -> ChangeEvent<'static> {
    let user_id = rule.user_id.unwrap_or(ctx.principal.user_id);
    ChangeEvent {
        user_id,
        household_id: None,
        entity: "ip_rule",
        entity_id: rule.id,
        version,
        kind,
        changed: &[],
    }
}
