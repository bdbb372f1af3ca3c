//! What a batch has read under its locks, and how its commands move it.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use fintrac_kit::text::name_key;
use fintrac_money::Money;
use uuid::Uuid;

use super::effects::{AccountEffect, Effects};
use super::legs::Leg;
use super::resolve::Category;
use crate::domain::account::{Account, AccountState};
use crate::domain::transaction::Transaction;

/// A transaction with the legs that stand for it.
#[derive(Debug, Clone)]
pub struct Standing {
    pub transaction: Transaction,
    /// Of a voided one those that stood before.
    pub legs: Vec<Leg>,
}

/// Keys are (household, id).
#[derive(Debug, Default, Clone)]
pub struct Book {
    pub accounts: HashMap<(Uuid, Uuid), Account>,
    /// Live ones, by each id that leads to them.
    pub categories: HashMap<(Uuid, Uuid), Category>,
    pub transactions: HashMap<(Uuid, Uuid), Standing>,
    /// Versions of what recurs; only active ones.
    pub recurring: HashMap<(Uuid, Uuid), i64>,
    /// Name keys of live accounts, of those that commands want.
    pub names_taken: HashSet<(Uuid, String)>,
    /// Live accounts of households that open one, and all that they ever had.
    pub accounts_counted: HashMap<Uuid, (i64, i64)>,
    /// By account whose balance today a command tells: what is booked after that day.
    pub booked_later: HashMap<(Uuid, Uuid), BookedLater>,
}

/// What is booked on an account after a day, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedLater {
    pub today: NaiveDate,
    pub change: i64,
}

impl Book {
    pub fn account(&self, household_id: Uuid, id: Uuid) -> Option<&Account> {
        self.accounts.get(&(household_id, id))
    }

    /// The account with its balance today.
    pub(super) fn account_state(&self, household_id: Uuid, account: Account) -> Option<AccountState> {
        let later = self.booked_later.get(&(household_id, account.id))?;
        AccountState::new(account, later.change)
    }

    /// Whether the legs' sums on own accounts can be stored.
    pub(super) fn holds(&self, household_id: Uuid, legs: &[Leg]) -> bool {
        let mut balances: HashMap<Uuid, Money> = HashMap::new();
        legs.iter().filter(|leg| leg.is_own).all(|leg| {
            let standing =
                self.account(household_id, leg.account_id).map(|account| account.projected_balance);
            let zero = Money::zero(leg.amount.currency());
            let balance = balances.entry(leg.account_id).or_insert_with(|| standing.unwrap_or(zero));
            balance.checked_add(leg.amount).map(|sum| *balance = sum).is_some()
        })
    }

    /// What the next command of the batch finds.
    pub(super) fn apply(&mut self, household_id: Uuid, today: NaiveDate, effects: &Effects) {
        if let Some(effect) = &effects.account {
            let (AccountEffect::Opened(account) | AccountEffect::Changed(account)) = effect;
            if let (AccountEffect::Opened(_), Some((live, all))) =
                (effect, self.accounts_counted.get_mut(&household_id))
            {
                (*live, *all) = (live.saturating_add(1), all.saturating_add(1));
            }
            if let AccountEffect::Changed(after) = effect
                && let Some(before) = self.accounts.get(&(household_id, after.id))
            {
                self.names_taken.remove(&(household_id, name_key(&before.name)));
            }
            self.names_taken.insert((household_id, name_key(&account.name)));
            // Its balance follows from the legs.
            let before = self.account(household_id, account.id).map(|account| account.projected_balance);
            let projected_balance = before.unwrap_or_else(|| Money::zero(account.currency()));
            let key = (household_id, account.id);
            self.accounts.insert(key, Account { projected_balance, ..account.clone() });
            self.booked_later.entry(key).or_insert(BookedLater { today, change: 0 });
        }
        let Some(transaction) = &effects.transaction else { return };
        for leg in transaction.legs.iter().filter(|leg| leg.is_own) {
            if let Some(account) = self.accounts.get_mut(&(household_id, leg.account_id))
                && let Some(sum) = account.projected_balance.checked_add(leg.amount)
            {
                account.projected_balance = sum;
            }
            if let Some(later) = self.booked_later.get_mut(&(household_id, leg.account_id))
                && leg.day > later.today
            {
                later.change = later.change.saturating_add(leg.amount.minor());
            }
        }
    }
}
