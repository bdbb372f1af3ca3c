//! The state that a batch reads under its locks and its commands change.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_money::Money;
use kit_core::text::name_key;
use uuid::Uuid;

use super::effects::{AccountEffect, Effects};
use super::rejection::Rejection;
use super::signed_posting::Posting;
use crate::domain::account::{Account, AccountState};
use crate::domain::category::CategoryRef;
use crate::domain::transaction::Transaction;

/// A transaction with its current postings.
#[derive(Debug, Clone)]
pub struct StoredTransaction {
    pub transaction: Transaction,
    /// The current postings. If voided, the postings before it was voided.
    pub postings: Vec<Posting>,
}

/// The state of a batch. Keys are (household, id).
#[derive(Debug, Default, Clone)]
pub struct BatchState {
    pub accounts: HashMap<(Uuid, Uuid), Account>,
    /// Live categories, by their id and by the ids of categories merged into them.
    pub categories: HashMap<(Uuid, Uuid), CategoryRef>,
    pub transactions: HashMap<(Uuid, Uuid), StoredTransaction>,
    /// The versions of active recurring transactions.
    pub recurring: HashMap<(Uuid, Uuid), i64>,
    /// The requested account names that live accounts already have, as name keys.
    pub names_taken: HashSet<(Uuid, String)>,
    /// The number of live accounts and of all accounts, for households that open one.
    pub account_counts: HashMap<Uuid, (i64, i64)>,
    /// The changes after today of accounts whose balance a command sets or returns.
    pub future_changes: HashMap<(Uuid, Uuid), FutureChange>,
}

/// The sum of an account's postings after a day, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureChange {
    pub today: NaiveDate,
    pub change: i64,
}

impl BatchState {
    pub fn account(&self, household_id: Uuid, id: Uuid) -> Option<&Account> {
        self.accounts.get(&(household_id, id))
    }

    /// Returns the account with its balance today.
    pub(super) fn account_state(&self, household_id: Uuid, account: Account) -> Option<AccountState> {
        let later = self.future_changes.get(&(household_id, account.id))?;
        AccountState::new(account, later.change)
    }

    /// Rejects new postings on archived and deleted accounts.
    pub fn check_open(
        &self,
        household_id: Uuid,
        account_id: Uuid,
        to_account_id: Option<Uuid>,
    ) -> Result<(), Rejection> {
        let is_closed =
            |id| self.account(household_id, id).is_some_and(|account| !account.accepts_postings());
        let mut fields = Vec::new();
        fields.extend(is_closed(account_id).then_some("account_id"));
        fields.extend(to_account_id.is_some_and(is_closed).then_some("to_account_id"));
        if fields.is_empty() { Ok(()) } else { Err(Rejection::AccountClosed(fields)) }
    }

    /// Returns whether the resulting balances of own accounts can be stored.
    pub(super) fn balances_fit(&self, household_id: Uuid, postings: &[Posting]) -> bool {
        let mut balances: HashMap<Uuid, Money> = HashMap::new();
        postings.iter().filter(|posting| posting.is_own).all(|posting| {
            let stored =
                self.account(household_id, posting.account_id).map(|account| account.projected_balance);
            let zero = Money::zero(posting.amount.currency());
            let balance = balances.entry(posting.account_id).or_insert_with(|| stored.unwrap_or(zero));
            balance.checked_add(posting.amount).map(|sum| *balance = sum).is_some()
        })
    }

    /// Applies the effects of a command, for the next command of the batch.
    pub(super) fn apply(&mut self, household_id: Uuid, today: NaiveDate, effects: &Effects) {
        if let Some(effect) = &effects.account {
            let (AccountEffect::Opened(account) | AccountEffect::Changed(account)) = effect;
            if let (AccountEffect::Opened(_), Some((live, all))) =
                (effect, self.account_counts.get_mut(&household_id))
            {
                (*live, *all) = (live.saturating_add(1), all.saturating_add(1));
            }
            if let AccountEffect::Changed(after) = effect
                && let Some(before) = self.accounts.get(&(household_id, after.id))
            {
                self.names_taken.remove(&(household_id, name_key(&before.name)));
            }
            self.names_taken.insert((household_id, name_key(&account.name)));
            // The balance is changed by the postings below.
            let before = self.account(household_id, account.id).map(|account| account.projected_balance);
            let projected_balance = before.unwrap_or_else(|| Money::zero(account.currency()));
            let key = (household_id, account.id);
            self.accounts.insert(key, Account { projected_balance, ..account.clone() });
            self.future_changes.entry(key).or_insert(FutureChange { today, change: 0 });
        }
        let Some(transaction) = &effects.transaction else { return };
        for posting in transaction.postings.iter().filter(|posting| posting.is_own) {
            if let Some(account) = self.accounts.get_mut(&(household_id, posting.account_id))
                && let Some(sum) = account.projected_balance.checked_add(posting.amount)
            {
                account.projected_balance = sum;
            }
            if let Some(later) = self.future_changes.get_mut(&(household_id, posting.account_id))
                && posting.day > later.today
            {
                later.change = later.change.saturating_add(posting.amount.minor());
            }
        }
    }
}
