//! Deleting an account softly: its history stays, its name is free.

use fintrac_kit::idempotency;
use uuid::Uuid;

use super::{By, Change, Ledger};
use crate::domain::posting::Rejection;
use crate::error::Error;
use crate::store::accounts;

impl Ledger {
    pub async fn close_account(
        &self,
        by: &By,
        account_id: Uuid,
        if_version: Option<i64>,
        key: Option<idempotency::Key>,
    ) -> Result<(), Error> {
        let household = self.household(by).await?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if let Some(key) = &key {
            match idempotency::claim(&mut transaction, key, now).await? {
                idempotency::Claim::Fresh => {}
                idempotency::Claim::Replay(_) => return Ok(()),
                idempotency::Claim::Reused => return Err(Error::KeyReused),
            }
        }
        let locked = accounts::lock(&mut transaction, &[(household.id, account_id)]).await?;
        let live =
            locked.into_iter().map(|(_, account)| account).find(|account| account.deleted_at.is_none());
        let mut account = live.ok_or_else(|| Error::not_found("account"))?;
        if if_version.is_some_and(|version| version != account.version) {
            return Err(Rejection::VersionMismatch.into());
        }
        account.deleted_at = Some(now);
        account.updated_at = now;
        account.version += 1;
        accounts::update(&mut transaction, &[(household.id, &account)]).await?;
        let (entity_id, version) = (account.id, account.version);
        let change = Change { entity: "account", entity_id, version, kind: "deleted", changed: &[] };
        self.record(&mut transaction, by, change).await?;
        if let Some(key) = &key {
            idempotency::store(&mut transaction, key, &[]).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }
}
