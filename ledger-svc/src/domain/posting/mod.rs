//! Plans commands against a batch's state, without I/O. No other code moves money.
//!
//! [`resolve()`] validates the input of each command, [`rates_needed`] lists the rates
//! to read, and [`plan()`] computes the effects or rejects the command. A command adds
//! all of its effects or none; its postings sum to zero per currency.

mod batch_state;
mod effects;
mod input;
mod nominal;
mod plan;
mod plan_account;
mod postings;
mod rejection;
mod resolve;
mod signed_posting;
#[cfg(test)]
pub mod tests;

pub use batch_state::{BatchState, FutureChange, StoredTransaction};
pub use effects::{AccountEffect, BalanceDeltas, DailyDelta, Effects, Event, Outcome};
pub use input::ResolvedTransaction;
pub use nominal::{NominalAccount, Purpose};
pub use plan::plan;
pub use rejection::Rejection;
pub use resolve::{rates_needed, resolve};
pub use signed_posting::{Posting, Valuation};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::account::{AccountChanges, AccountInput};
use super::recurring::Recurring;
use super::transaction::{TransactionChanges, TransactionInput};
use fintrac_money::Household;
use kit_core::text::name_key;

/// A request to post or change transactions or accounts of a household.
#[derive(Debug, Clone)]
pub struct Command {
    pub household: Household,
    pub kind: CommandKind,
    /// The id of the transaction that it creates, if any.
    pub transaction_id: Uuid,
    pub occurrence_of: Option<Occurrence>,
    /// The recurring transaction whose first occurrence it posts.
    pub new_recurring: Option<Box<Recurring>>,
    pub now: DateTime<Utc>,
}

/// The recurring transaction of which a transaction is an occurrence.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    pub recurring_id: Uuid,
    /// The version that the active recurring transaction must have. None if it is new.
    pub expected_version: Option<i64>,
}

#[derive(Debug, Clone)]
pub enum CommandKind {
    /// Creates an income, an expense or a transfer.
    Create(TransactionInput),
    /// Reverses the current postings and adds the new ones.
    Edit { transaction_id: Uuid, changes: TransactionChanges, expected_version: Option<i64> },
    /// Reverses the current postings.
    Void { transaction_id: Uuid, expected_version: Option<i64> },
    /// Posts a voided transaction again.
    Restore { transaction_id: Uuid, expected_version: Option<i64> },
    /// Opens an account and posts its opening.
    OpenAccount { account_id: Uuid, input: AccountInput },
    /// Changes an account; another balance posts an adjustment.
    ChangeAccount { account_id: Uuid, changes: AccountChanges, expected_version: Option<i64> },
}

impl Command {
    pub fn new(household: Household, kind: CommandKind, transaction_id: Uuid, now: DateTime<Utc>) -> Self {
        Self { household, kind, transaction_id, occurrence_of: None, new_recurring: None, now }
    }

    pub fn today(&self) -> NaiveDate {
        self.household.today(self.now)
    }

    /// Returns the transaction that it changes, with the expected version.
    pub fn target(&self) -> Option<(Uuid, Option<i64>)> {
        match &self.kind {
            CommandKind::Edit { transaction_id, expected_version, .. }
            | CommandKind::Void { transaction_id, expected_version }
            | CommandKind::Restore { transaction_id, expected_version } => {
                Some((*transaction_id, *expected_version))
            }
            CommandKind::Create(_) | CommandKind::OpenAccount { .. } | CommandKind::ChangeAccount { .. } => {
                None
            }
        }
    }

    /// Returns the row that it changes. A batch changes each row only once.
    pub fn changed_row(&self) -> Option<Uuid> {
        self.balance_account().or_else(|| self.transaction_to_lock())
    }

    /// Returns the transaction that must be locked and read first.
    pub fn transaction_to_lock(&self) -> Option<Uuid> {
        self.target().map(|(transaction_id, _)| transaction_id)
    }

    /// Returns the transaction input, without the fields of the stored transaction.
    fn input(&self) -> Option<&TransactionInput> {
        match &self.kind {
            CommandKind::Create(input) => Some(input),
            CommandKind::Edit { changes, .. } => Some(&changes.values),
            CommandKind::Void { .. }
            | CommandKind::Restore { .. }
            | CommandKind::OpenAccount { .. }
            | CommandKind::ChangeAccount { .. } => None,
        }
    }

    /// Returns the accounts in the input, without those of the stored transaction.
    pub fn referenced_accounts(&self) -> Vec<Uuid> {
        let texts = self.input().into_iter().flat_map(|input| {
            std::iter::once(input.account_id.as_str()).chain(input.to_account_id.as_deref())
        });
        let ids = texts.filter_map(|text| Uuid::parse_str(text.trim()).ok());
        ids.chain(self.balance_account()).collect()
    }

    /// Returns the categories in the input, without those of the stored transaction.
    pub fn referenced_categories(&self) -> Vec<Uuid> {
        let texts = self.input().into_iter().flat_map(|input| {
            let splits = input.splits.iter().map(|split| split.category_id.as_str());
            input.category_id.as_deref().into_iter().chain(splits)
        });
        texts.filter_map(|text| Uuid::parse_str(text.trim()).ok()).collect()
    }

    /// Returns the recurring transaction that must not change before the commit.
    pub fn recurring_to_lock(&self) -> Option<Uuid> {
        self.occurrence_of
            .filter(|occurrence| occurrence.expected_version.is_some())
            .map(|occurrence| occurrence.recurring_id)
    }

    /// Returns the account whose balance today it sets or returns.
    pub fn balance_account(&self) -> Option<Uuid> {
        let CommandKind::ChangeAccount { account_id, .. } = &self.kind else { return None };
        Some(*account_id)
    }

    pub fn opens_account(&self) -> bool {
        matches!(self.kind, CommandKind::OpenAccount { .. })
    }

    /// Returns the account name that it sets.
    fn account_name(&self) -> Option<&str> {
        match &self.kind {
            CommandKind::OpenAccount { input, .. } => Some(&input.name),
            CommandKind::ChangeAccount { changes, .. } => {
                changes.contains("name").then_some(&changes.values.name)
            }
            CommandKind::Create(_)
            | CommandKind::Edit { .. }
            | CommandKind::Void { .. }
            | CommandKind::Restore { .. } => None,
        }
        .map(String::as_str)
    }

    /// Returns whether it sets the name of an account.
    pub fn sets_account_name(&self) -> bool {
        self.account_name().is_some()
    }

    /// Returns the key of the account name that it sets.
    pub fn account_name_key(&self) -> Option<String> {
        // No account has a name with control characters, and PostgreSQL rejects NUL in a query.
        let name = self.account_name().map(str::trim);
        name.filter(|name| !name.chars().any(char::is_control)).map(name_key)
    }
}
