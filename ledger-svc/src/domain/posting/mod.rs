//! Plans commands against a batch's state, without I/O. No other code moves money.
//!
//! [`resolve()`] validates the input of each command, [`rates_needed`] lists the rates
//! to read, and [`plan()`] computes the effects or rejects the command. A command adds
//! all of its effects or none; its postings sum to zero per currency.

mod batch_state;
mod effects;
mod nominal;
mod plan;
mod postings;
mod rejection;
mod resolve;
mod signed_posting;
#[cfg(test)]
mod tests;

pub use batch_state::{BatchState, FutureChange, StoredTransaction};
pub use effects::{AccountEffect, BalanceDeltas, DailyDelta, Effects, Outcome};
pub use nominal::{NominalAccount, Purpose};
pub use plan::plan;
pub use rejection::{CLOSED, OUT_OF_RANGE, Rejection, VOIDED};
pub use resolve::{ResolvedCommand, rates_needed, resolve};
pub use signed_posting::{Posting, Valuation};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::account::{AccountChanges, AccountInput};
use super::recurring::Recurring;
use super::transaction::{TransactionChanges, TransactionInput};
use fintrac_kit::text::name_key;
use fintrac_money::Household;

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

    /// Returns the row that it changes. A batch changes each row only once.
    pub fn changed_row(&self) -> Option<Uuid> {
        match &self.kind {
            CommandKind::ChangeAccount { account_id, .. } => Some(*account_id),
            CommandKind::Edit { .. }
            | CommandKind::Void { .. }
            | CommandKind::Restore { .. }
            | CommandKind::Create(_)
            | CommandKind::OpenAccount { .. } => self.transaction_to_lock(),
        }
    }

    /// Returns the transaction that must be locked and read first.
    pub fn transaction_to_lock(&self) -> Option<Uuid> {
        match &self.kind {
            CommandKind::Edit { transaction_id, .. }
            | CommandKind::Void { transaction_id, .. }
            | CommandKind::Restore { transaction_id, .. } => Some(*transaction_id),
            CommandKind::Create(_) | CommandKind::OpenAccount { .. } | CommandKind::ChangeAccount { .. } => {
                None
            }
        }
    }

    /// Returns the accounts in the input, without those of the stored transaction.
    pub fn referenced_accounts(&self) -> Vec<Uuid> {
        let read = |text: Option<&str>| text.and_then(|text| Uuid::parse_str(text.trim()).ok());
        match &self.kind {
            CommandKind::Create(input) => {
                [read(Some(&input.account_id)), read(input.to_account_id.as_deref())]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            CommandKind::Edit { changes, .. } => {
                let to = changes.to_account_id.as_ref().and_then(Option::as_deref);
                [read(changes.account_id.as_deref()), read(to)].into_iter().flatten().collect()
            }
            CommandKind::ChangeAccount { account_id, .. } => vec![*account_id],
            CommandKind::Void { .. } | CommandKind::Restore { .. } | CommandKind::OpenAccount { .. } => {
                Vec::new()
            }
        }
    }

    /// Returns the categories in the input, without those of the stored transaction.
    pub fn referenced_categories(&self) -> Vec<Uuid> {
        let (category, splits) = match &self.kind {
            CommandKind::Create(input) => (input.category_id.as_deref(), input.splits.as_slice()),
            CommandKind::Edit { changes, .. } => (
                changes.category_id.as_ref().and_then(Option::as_deref),
                changes.splits.as_deref().unwrap_or_default(),
            ),
            CommandKind::Void { .. }
            | CommandKind::Restore { .. }
            | CommandKind::OpenAccount { .. }
            | CommandKind::ChangeAccount { .. } => return Vec::new(),
        };
        let texts = category.into_iter().chain(splits.iter().map(|split| split.category_id.as_str()));
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
        match &self.kind {
            CommandKind::ChangeAccount { account_id, .. } => Some(*account_id),
            CommandKind::Create(_)
            | CommandKind::Edit { .. }
            | CommandKind::Void { .. }
            | CommandKind::Restore { .. }
            | CommandKind::OpenAccount { .. } => None,
        }
    }

    /// Returns whether it sets the name of an account.
    pub fn sets_account_name(&self) -> bool {
        match &self.kind {
            CommandKind::OpenAccount { .. } => true,
            CommandKind::ChangeAccount { changes, .. } => changes.name.is_some(),
            CommandKind::Create(_)
            | CommandKind::Edit { .. }
            | CommandKind::Void { .. }
            | CommandKind::Restore { .. } => false,
        }
    }

    pub fn opens_account(&self) -> bool {
        matches!(self.kind, CommandKind::OpenAccount { .. })
    }

    /// Returns the key of the account name that it sets.
    pub fn account_name_key(&self) -> Option<String> {
        match &self.kind {
            CommandKind::OpenAccount { input, .. } => Some(input.name.as_str()),
            CommandKind::ChangeAccount { changes, .. } => changes.name.as_deref(),
            CommandKind::Create(_)
            | CommandKind::Edit { .. }
            | CommandKind::Void { .. }
            | CommandKind::Restore { .. } => None,
        }
        .map(str::trim)
        // No account has a name with control characters, and PostgreSQL rejects NUL in a query.
        .filter(|name| !name.chars().any(char::is_control))
        .map(name_key)
    }
}
