//! Manages IP rules, which take effect within a second.
//! Administrators cannot lock themselves out.

use kit_access::{EnforcedIpRules, RequestContext};
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_core::pagination::{Cursor, Page, PageRequest};
use kit_db::violated_constraint;
use kit_service::use_case::{EntityChange, WriteContext, WriteTransaction};
use uuid::Uuid;

use super::{IdentityUseCases, user_change};
use crate::domain::ip_rule::IpRuleInput;
use crate::error::Error;
use crate::store::ip_rules::{self, IpRule};
use crate::store::{roles, users};

impl IdentityUseCases {
    /// Lists the rules, the newest first.
    pub async fn list_ip_rules(&self, size: Option<i32>, token: &str) -> Result<Page<IpRule>, Error> {
        let page = PageRequest::new(size, token, "ip rules")?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = ip_rules::list(&mut connection, before, page.limit()).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    pub async fn create_ip_rule(
        &self,
        ctx: &WriteContext<IpRule>,
        input: &IpRuleInput,
    ) -> Result<IpRule, Error> {
        let new_rule = input.check()?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        roles::lock(&mut transaction).await?;
        if let Some(user_id) = new_rule.user_id {
            let user = users::find(&mut transaction, user_id).await?;
            if user.is_none_or(|user| user.erased_at.is_some()) {
                let text = "There is no user with this id. Check it.";
                return Err(FieldViolation::new("user_id", FieldCode::UserNotFound, text).into());
            }
            self.ensure_may_manage(&mut transaction, ctx, user_id).await?;
        }
        if ip_rules::count(&mut transaction).await? >= ip_rules::MAX_IP_RULES {
            let text = "The system can have at most 10,000 IP rules. Delete one first.";
            return Err(FieldViolation::new("cidr", FieldCode::TooManyItems, text).into());
        }
        let (id, now) = (self.new_id(), self.clock.now());
        let inserted = ip_rules::insert(&mut transaction, id, &new_rule, now).await;
        inserted.map_err(|error| match violated_constraint(&error) {
            Some("ip_rules_user_id_network_key") => {
                let text = "A rule for this network and these users already exists. Delete it first.";
                FieldViolation::new("cidr", FieldCode::NameTaken, text).into()
            }
            _ => Error::from(error),
        })?;
        let rule = IpRule {
            id,
            user_id: new_rule.user_id,
            action: new_rule.action,
            cidr: new_rule.network.to_string(),
            note: new_rule.note,
            created_at: now,
        };
        self.record_rule_change(&mut transaction, ctx, &rule, 1, "created").await?;
        self.publish(transaction.commit_with(rule)).await
    }

    pub async fn delete_ip_rule(&self, ctx: &RequestContext, id: Uuid) -> Result<(), Error> {
        let mut transaction = self.begin(ctx).await?;
        roles::lock(&mut transaction).await?;
        let rule = ip_rules::delete(&mut transaction, id).await?.ok_or_else(|| Error::not_found("rule"))?;
        if let Some(user_id) = rule.user_id {
            self.ensure_may_manage(&mut transaction, ctx, user_id).await?;
        }
        self.record_rule_change(&mut transaction, ctx, &rule, 2, "deleted").await?;
        self.publish(transaction.commit()).await
    }

    /// Records a change, unless the rules would deny the caller's own address.
    async fn record_rule_change<T>(
        &self,
        transaction: &mut WriteTransaction<T>,
        ctx: &RequestContext,
        rule: &IpRule,
        version: i64,
        kind: &'static str,
    ) -> Result<(), Error> {
        let rules = ip_rules::list_all(transaction).await?;
        let rules: EnforcedIpRules = rules.iter().filter_map(IpRule::to_enforced).collect();
        if !rules.allows_user(ctx.principal.user_id, ctx.origin.client.ip) {
            return Err(ProblemCode::SelfLockout.into());
        }
        let change = user_change(rule.user_id.unwrap_or(ctx.principal.user_id), version, kind, &[]);
        Ok(transaction
            .record_change(EntityChange { entity: "ip_rule", entity_id: rule.id, ..change })
            .await?)
    }
}
