//! What a batch has read under its locks, and how its commands move it.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_kit::text::name_key;
use fintrac_money::Money;
use uuid::Uuid;

use super::effects::{AccountEffect, Effects};
use super::postings::Posting;
use super::resolve::Category;
use crate::domain::account::{Account, AccountState};
use crate::domain::transaction::Transaction;

/// A transaction with the postings that stand for it.
#[derive(Debug, Clone)]
pub struct StoredTransaction {
    pub transaction: Transaction,
    /// Of a voided one those that stood before.
    pub postings: Vec<Posting>,
}

/// Keys are (household, id).
#[derive(Debug, Default, Clone)]
pub struct BatchState {
    pub accounts: HashMap<(Uuid, Uuid), Account>,
    /// Live ones, by each id that leads to them.
    pub categories: HashMap<(Uuid, Uuid), Category>,
    pub transactions: HashMap<(Uuid, Uuid), StoredTransaction>,
    /// Versions of what recurs; only active ones.
    pub recurring: HashMap<(Uuid, Uuid), i64>,
    /// Name keys of live accounts, of those that commands want.
    pub names_taken: HashSet<(Uuid, String)>,
    /// Live accounts of households that open one, and all that they ever had.
    pub account_counts: HashMap<Uuid, (i64, i64)>,
    /// By account whose balance today a command tells: what is booked after that day.
    pub future_changes: HashMap<(Uuid, Uuid), FutureChange>,
}

/// What is booked on an account after a day, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureChange {
    pub today: NaiveDate,
    pub change: i64,
}

impl BatchState {
    pub fn account(&self, household_id: Uuid, id: Uuid) -> Option<&Account> {
        self.accounts.get(&(household_id, id))
    }

    /// The account with its balance today.
    pub(super) fn account_state(&self, household_id: Uuid, account: Account) -> Option<AccountState> {
        let later = self.future_changes.get(&(household_id, account.id))?;
        AccountState::new(account, later.change)
    }

    /// Whether the postings' sums on own accounts can be stored.
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

    /// What the next command of the batch finds.
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
            // Its balance follows from the postings.
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
