//! Networks that may or may not call, in force within a second. Nobody locks
//! himself out.

use fintrac_kit::access::{AddressRule, AddressRules, By};
use fintrac_kit::database::violated;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{Kept, Key};
use fintrac_kit::page::{Cursor, Page, PageRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Change, Identity, PageOf};
use crate::domain::ip_rule::{Action, Draft};
use crate::error::Error;
use crate::store::ip_rules::{self, IpRule};
use crate::store::{roles, users};

impl Identity {
    /// Newest first.
    pub async fn list_ip_rules(&self, page: &PageOf) -> Result<Page<IpRule>, Error> {
        let page = PageRequest::new(page.size, &page.token, "ip rules")?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = ip_rules::list(&mut connection, before, page.limit()).await?;
        Ok(page.cut(rows, |row| Cursor::by_id(row.id)))
    }

    pub async fn create_ip_rule(
        &self,
        by: &By,
        draft: &Draft,
        key: Option<Key>,
        encode: fn(&IpRule) -> Vec<u8>,
    ) -> Result<Kept<IpRule>, Error> {
        let wanted = draft.check().map_err(Error::Invalid)?;
        let refused =
            |field: &str, reason, text: &str| Error::Invalid(vec![Violation::new(field, reason, text)]);
        let mut transaction = self.pool.begin().await?;
        if let Some(kept) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(kept);
        }
        roles::lock(&mut transaction).await?;
        if let Some(user_id) = wanted.user_id
            && users::find(&mut transaction, user_id).await?.is_none_or(|user| user.erased_at.is_some())
        {
            return Err(refused("user_id", "USER_UNKNOWN", "There is no such user."));
        }
        self.ensure_may_manage(&mut transaction, by, wanted.user_id).await?;
        if ip_rules::count(&mut transaction).await? >= ip_rules::MOST {
            return Err(refused("cidr", "TOO_MANY", "There are 10,000 rules; delete some first."));
        }
        let now = self.clock.now();
        let rule = IpRule {
            id: self.random.id(now),
            user_id: wanted.user_id,
            action: wanted.action,
            cidr: wanted.network.to_string(),
            note: wanted.note.clone(),
            created_at: now,
        };
        ip_rules::insert(&mut transaction, rule.id, &wanted, now).await.map_err(|error| {
            match violated(&error) {
                Some("ip_rules_user_id_network_key") => {
                    refused("cidr", "NAME_TAKEN", "There is a rule for this network; delete it first.")
                }
                _ => Error::Database(error),
            }
        })?;
        self.still_admitted(&mut transaction, by).await?;
        self.record(&mut transaction, of_rule(by, &rule, 1, "created"), &by.origin).await?;
        self.keep(&mut transaction, key.as_ref(), &encode(&rule)).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(Kept::Fresh(rule))
    }

    pub async fn delete_ip_rule(&self, by: &By, id: Uuid) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        let rule = ip_rules::delete(&mut transaction, id).await?.ok_or(Error::NotFound("rule"))?;
        self.ensure_may_manage(&mut transaction, by, rule.user_id).await?;
        self.still_admitted(&mut transaction, by).await?;
        self.record(&mut transaction, of_rule(by, &rule, 2, "deleted"), &by.origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(())
    }

    /// Whether the caller may make and delete rules about this user.
    async fn ensure_may_manage(
        &self,
        connection: &mut PgConnection,
        by: &By,
        user_id: Option<Uuid>,
    ) -> Result<(), Error> {
        let Some(user_id) = user_id else { return Ok(()) };
        let mine = self.permissions_of(connection, by.principal.user_id).await?;
        if self.permissions_of(connection, user_id).await?.is_subset(&mine) {
            return Ok(());
        }
        Err(Error::Forbidden("This user may do more than you; ask an administrator."))
    }

    /// Refuses rules as they stand now if they keep out whoever made them so.
    async fn still_admitted(&self, connection: &mut PgConnection, by: &By) -> Result<(), Error> {
        let rules: AddressRules = ip_rules::all(connection).await?.iter().filter_map(address_rule).collect();
        if rules.admit_user(by.principal.user_id, by.origin.client.ip) {
            return Ok(());
        }
        Err(Error::LocksYouOut)
    }
}

/// The same as verifiers know it.
pub(super) fn address_rule(rule: &IpRule) -> Option<AddressRule> {
    let allow = rule.action == Action::Allow;
    Some(AddressRule { user_id: rule.user_id, network: rule.cidr.parse().ok()?, allow })
}

fn of_rule(by: &By, rule: &IpRule, version: i64, kind: &'static str) -> Change<'static> {
    let user_id = rule.user_id.unwrap_or(by.principal.user_id);
    Change { user_id, household_id: None, entity: "ip_rule", entity_id: rule.id, version, kind, changed: &[] }
}
