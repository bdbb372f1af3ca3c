//! Plans the commands on accounts, which post openings and adjustments.

use fintrac_money::Money;
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text::name_key;
use uuid::Uuid;

use super::effects::{AccountEffect, Effects};
use super::input::ResolvedTransaction;
use super::plan::{Planner, event};
use super::rejection::{Rejection, name_taken};
use crate::domain::account::{Account, AccountChanges, AccountInput, AccountUpdate};
use crate::domain::details::TransactionDetails;
use crate::domain::transaction::TransactionType;

/// The maximum number of live accounts of a household.
const MAX_ACCOUNTS: i64 = 500;
/// The maximum number of accounts including deleted ones: totals read all of them.
const MAX_ACCOUNTS_EVER: i64 = 2000;

impl Planner<'_> {
    pub fn open_account(&self, account_id: Uuid, input: &AccountInput) -> Result<Effects, Rejection> {
        let household = self.command.household;
        let name = (household.id, name_key(&input.name));
        let taken = self.state.names_taken.contains(&name).then(name_taken);
        let (live, all) = self.state.account_counts.get(&household.id).copied().unwrap_or_default();
        if live >= MAX_ACCOUNTS || all >= MAX_ACCOUNTS_EVER {
            let text = format!(
                "A household can have at most {MAX_ACCOUNTS} accounts, or {MAX_ACCOUNTS_EVER} including deleted ones. Change an existing account instead."
            );
            return Err(Rejection::Invalid(vec![FieldViolation::new("name", FieldCode::TooManyItems, text)]));
        }
        let resolved = input.resolve(account_id, household.currency, self.command.now);
        let (account, opening) = match (resolved, taken) {
            (Ok(resolved), None) => resolved,
            (Ok(_), Some(taken)) => return Err(Rejection::Invalid(vec![taken])),
            (Err(violations), taken) => {
                return Err(Rejection::Invalid(taken.into_iter().chain(violations).collect()));
            }
        };
        let mut effects = Effects::default();
        if !opening.is_zero() {
            effects =
                self.new_transaction(&self.system_transaction(TransactionType::Opening, &account, opening))?;
        }
        effects.events.insert(0, event("account", account.id, 1, "created", Vec::new()));
        effects.account = Some(AccountEffect::Opened(account));
        Ok(effects)
    }

    pub fn change_account(
        &self,
        account_id: Uuid,
        changes: &AccountChanges,
        expected_version: Option<i64>,
    ) -> Result<Effects, Rejection> {
        let household = self.command.household.id;
        let found = self.state.account(household, account_id).filter(|account| account.deleted_at.is_none());
        let account = found.ok_or(Rejection::NotFound("account"))?;
        Rejection::check_version(expected_version, account.version)?;
        let AccountUpdate { account: after, balance: new_balance, fields: changed } =
            changes.apply(account, self.command.now).map_err(Rejection::Invalid)?;
        let key = name_key(&after.name);
        if key != name_key(&account.name) && self.state.names_taken.contains(&(household, key)) {
            return Err(Rejection::name_taken());
        }
        let state = self.state.account_state(household, account.clone()).ok_or(Rejection::OutOfRange)?;
        let difference =
            new_balance.map(|balance| balance.checked_sub(state.balance).ok_or(Rejection::OutOfRange));
        let mut effects = Effects::default();
        if let Some(difference) = difference.transpose()?.filter(|difference| !difference.is_zero()) {
            // Archiving sets the balance first, reactivating sets it afterwards.
            if !account.accepts_postings() && !after.accepts_postings() {
                return Err(Rejection::AccountClosed(vec!["balance"]));
            }
            effects = self.new_transaction(&self.system_transaction(
                TransactionType::Adjustment,
                account,
                difference,
            ))?;
        }
        if !changed.is_empty() {
            effects.events.insert(0, event("account", after.id, after.version, "updated", changed));
            effects.account = Some(AccountEffect::Changed(after));
        }
        Ok(effects)
    }

    fn system_transaction(
        &self,
        transaction_type: TransactionType,
        account: &Account,
        amount: Money,
    ) -> ResolvedTransaction {
        ResolvedTransaction {
            transaction_type,
            account_id: account.id,
            account_currency: account.currency(),
            to_account_id: None,
            to_currency: None,
            category: None,
            splits: Vec::new(),
            amount,
            to_amount: None,
            details: TransactionDetails::default(),
            date: self.command.today(),
        }
    }
}
