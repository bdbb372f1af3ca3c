//! The planned effects of a command, before they are written.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::nominal::NominalAccount;
use super::rejection::Rejection;
use super::signed_posting::Posting;
use crate::domain::account::{Account, AccountState};
use crate::domain::recurring::Recurring;
use crate::domain::transaction::{Revision, Transaction};

/// The rows and events that one command writes.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    pub account: Option<AccountEffect>,
    pub transaction: Option<TransactionEffect>,
    /// A new recurring transaction.
    pub recurring: Option<Box<Recurring>>,
    pub nominal: Vec<NominalAccount>,
    pub events: Vec<Event>,
}

impl Effects {
    /// Returns the account that the command archives.
    pub fn closed_account(&self) -> Option<&Account> {
        match &self.account {
            Some(AccountEffect::Changed(account)) if !account.accepts_postings() => Some(account),
            Some(_) | None => None,
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
    /// The new state of the transaction.
    pub transaction: Transaction,
    pub is_new: bool,
    /// Whether the transaction had splits before.
    pub had_splits: bool,
    pub revision: Revision,
    /// The new postings, in the order of their numbers.
    pub postings: Vec<Posting>,
}

/// A change to record in the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub entity: &'static str,
    pub entity_id: Uuid,
    pub version: i64,
    pub kind: &'static str,
    pub changed: Vec<&'static str>,
}

/// The result of a command for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Transaction(Box<Transaction>),
    /// A transaction that the command did not change.
    Unchanged(Box<Transaction>),
    Account(Box<AccountState>),
    Voided,
    /// The outcomes of a bulk request, one for each command.
    Many(Vec<Result<Outcome, Rejection>>),
}

/// The sums of postings by account and by day, in key order.
///
/// The keys are (household, account) and (household, account, day).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BalanceDeltas {
    /// The changes of own accounts, in minor units.
    pub balances: BTreeMap<(Uuid, Uuid), i64>,
    /// The changes of own and nominal accounts, by day.
    pub days: BTreeMap<(Uuid, Uuid, NaiveDate), DailyDelta>,
}

/// The change of an account's daily total, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DailyDelta {
    /// The change in the account's currency.
    pub change: i64,
    /// The change in the household's currency, without unpriced postings.
    pub household: i64,
    /// The part of `change` without a value in the household's currency.
    pub unpriced: i64,
}

impl DailyDelta {
    /// Multiplies the change by a sign.
    #[must_use]
    pub fn times(self, sign: i64) -> Self {
        Self {
            change: self.change.saturating_mul(sign),
            household: self.household.saturating_mul(sign),
            unpriced: self.unpriced.saturating_mul(sign),
        }
    }

    /// Adds two changes; `None` if a sum overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            change: self.change.checked_add(other.change)?,
            household: self.household.checked_add(other.household)?,
            unpriced: self.unpriced.checked_add(other.unpriced)?,
        })
    }
}

impl BalanceDeltas {
    /// Adds the postings of a household; `None` if a sum overflows.
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

    /// Adds to the day of a (household, account, day) key; `None` if a sum overflows.
    pub fn add_day(&mut self, key: (Uuid, Uuid, NaiveDate), added: DailyDelta) -> Option<()> {
        let day = self.days.entry(key).or_default();
        *day = day.checked_add(added)?;
        Some(())
    }
}
