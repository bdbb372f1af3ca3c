//! What a command does, before anything is written.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::nominal::NominalAccount;
use super::postings::Posting;
use super::rejection::Rejection;
use crate::domain::account::{Account, AccountState};
use crate::domain::recurring::Recurring;
use crate::domain::transaction::{Revision, Transaction};

/// Everything that one command writes.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    pub account: Option<AccountEffect>,
    pub transaction: Option<TransactionEffect>,
    /// A new one.
    pub recurring: Option<Box<Recurring>>,
    pub nominal: Vec<NominalAccount>,
    pub events: Vec<Event>,
}

impl Effects {
    /// Whether an account is archived by it.
    pub fn closes_account(&self) -> bool {
        match &self.account {
            Some(AccountEffect::Changed(account)) => !account.accepts_postings(),
            Some(AccountEffect::Opened(_)) | None => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountEffect {
    Opened(Account),
    Changed(Account),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionEffect {
    /// As it stands afterwards.
    pub transaction: Transaction,
    pub is_new: bool,
    /// Splits stood before.
    pub had_splits: bool,
    pub revision: Revision,
    /// In the order in which they are numbered.
    pub postings: Vec<Posting>,
}

/// A state change to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub entity: &'static str,
    pub entity_id: Uuid,
    pub version: i64,
    pub kind: &'static str,
    pub changed: Vec<&'static str>,
}

/// What the caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Transaction(Box<Transaction>),
    /// A transaction that stays as it was.
    Unchanged(Box<Transaction>),
    Account(Box<AccountState>),
    Voided,
    /// Of a bulk, one for each of its commands.
    Many(Vec<Result<Outcome, Rejection>>),
}

/// Sums of many postings, in key order: (household, account) and (household, account, day).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BalanceDeltas {
    /// Own accounts: change, minor units.
    pub balances: BTreeMap<(Uuid, Uuid), i64>,
    /// All accounts.
    pub days: BTreeMap<(Uuid, Uuid, NaiveDate), DailyDelta>,
}

/// What a day gains on an account, minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DailyDelta {
    pub change: i64,
    /// In the household's currency, of what has a value there.
    pub household: i64,
    /// The part of `change` that has no value in the household's currency.
    pub unpriced: i64,
}

impl DailyDelta {
    /// `None` when a sum cannot be stored.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            change: self.change.checked_add(other.change)?,
            household: self.household.checked_add(other.household)?,
            unpriced: self.unpriced.checked_add(other.unpriced)?,
        })
    }
}

impl BalanceDeltas {
    /// Adds the postings of a household; `None` when a sum cannot be stored.
    pub fn add(&mut self, household_id: Uuid, postings: &[Posting]) -> Option<()> {
        for posting in postings {
            let change = posting.amount.minor();
            if posting.is_own {
                let balance = self.balances.entry((household_id, posting.account_id)).or_default();
                *balance = balance.checked_add(change)?;
            }
            let (household, unpriced) = match posting.household {
                Some(value) => (value.amount.minor(), 0),
                None => (0, change),
            };
            self.add_day(
                (household_id, posting.account_id, posting.day),
                DailyDelta { change, household, unpriced },
            )?;
        }
        Some(())
    }

    /// Adds to a (household, account, day); `None` when a sum cannot be stored.
    pub fn add_day(&mut self, key: (Uuid, Uuid, NaiveDate), added: DailyDelta) -> Option<()> {
        let day = self.days.entry(key).or_default();
        *day = day.checked_add(added)?;
        Some(())
    }
}
