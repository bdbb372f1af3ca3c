//! One way for money to move: commands against what the batch has read become
//! postings, balances and rejections, purely.
//!
//! [`resolve`] reads each command's words, [`rates_needed`] says which rates
//! that takes, [`plan`] decides. Each command adds all of its effects or none;
//! per currency the postings of each sum to zero.

mod batch_state;
mod effects;
mod nominal;
mod plan;
mod postings;
mod rejection;
mod resolve;
#[cfg(test)]
mod tests;

pub use batch_state::{BatchState, FutureChange, StoredTransaction};
pub use effects::{AccountEffect, BalanceDeltas, DailyDelta, Effects, Outcome};
pub use nominal::{NominalAccount, Purpose};
pub use plan::plan;
pub use postings::{Posting, Valuation};
pub use rejection::{CLOSED, OUT_OF_RANGE, Rejection, VOIDED};
pub use resolve::{Category, ResolvedCommand, rates_needed, resolve};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::account::{AccountChanges, AccountInput};
use super::recurring::Recurring;
use super::transaction::{TransactionChanges, TransactionInput};
use fintrac_kit::text::name_key;
use fintrac_money::Household;

/// Something that moves money.
#[derive(Debug, Clone)]
pub struct Command {
    pub household: Household,
    pub kind: CommandKind,
    /// Id of the transaction that it makes, if it makes one.
    pub transaction_id: Uuid,
    pub occurrence_of: Option<Occurrence>,
    /// The recurring transaction that begins with it.
    pub new_recurring: Option<Box<Recurring>>,
    pub now: DateTime<Utc>,
}

/// What recurs, of which a transaction is one occurrence.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    pub recurring_id: Uuid,
    /// It must be active and have this version; none when it begins with this one.
    pub expected_version: Option<i64>,
}

#[derive(Debug, Clone)]
pub enum CommandKind {
    /// Record income, an expense or a transfer.
    Create(TransactionInput),
    /// Post the reversal and the new postings.
    Edit { transaction_id: Uuid, changes: TransactionChanges, expected_version: Option<i64> },
    /// Post the reversal.
    Void { transaction_id: Uuid, expected_version: Option<i64> },
    /// Post a voided transaction again.
    Restore { transaction_id: Uuid, expected_version: Option<i64> },
    /// Open an account, with its first balance.
    OpenAccount { account_id: Uuid, input: AccountInput },
    /// Change an account; another balance posts an adjustment.
    ChangeAccount { account_id: Uuid, changes: AccountChanges, expected_version: Option<i64> },
}

impl Command {
    pub fn new(household: Household, kind: CommandKind, transaction_id: Uuid, now: DateTime<Utc>) -> Self {
        Self { household, kind, transaction_id, occurrence_of: None, new_recurring: None, now }
    }

    pub fn today(&self) -> NaiveDate {
        self.household.today(self.now)
    }

    /// The row that it changes: a batch changes each only once.
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

    /// The transaction that must be locked and read first.
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

    /// The accounts that the words name; those of a standing transaction come on top.
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

    /// The categories that the words name; those of a standing transaction come on top.
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

    /// What recurs and must not change before the commit.
    pub fn recurring_to_lock(&self) -> Option<Uuid> {
        self.occurrence_of
            .filter(|occurrence| occurrence.expected_version.is_some())
            .map(|occurrence| occurrence.recurring_id)
    }

    /// The account whose balance today it sets or tells.
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

    /// Whether it gives an account a name.
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

    /// The key of the name that an account is to have.
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
        // No account has such a name, and PostgreSQL would not even take the question.
        .filter(|name| !name.chars().any(char::is_control))
        .map(name_key)
    }
}
