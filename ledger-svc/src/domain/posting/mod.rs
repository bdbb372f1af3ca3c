//! One way for money to move: commands against what the batch has read become
//! legs, balances and refusals, purely.
//!
//! [`resolve`] reads each command's words, [`rates_needed`] says which rates
//! that takes, [`plan`] decides. Each command adds all of its effects or none;
//! per currency the legs of each sum to zero.

mod book;
mod effects;
mod legs;
mod nominal;
mod plan;
mod rejection;
mod resolve;
#[cfg(test)]
mod tests;

pub use book::{Book, BookedLater, Standing};
pub use effects::{AccountEffect, DayMove, Effects, Moves, Outcome};
pub use legs::{Leg, Valuation};
pub use nominal::{NominalAccount, Purpose};
pub use plan::plan;
pub use rejection::{CLOSED, OUT_OF_RANGE, Rejection, VOIDED};
pub use resolve::{Category, Resolved, rates_needed, resolve};

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
    pub order: Order,
    /// Id of the transaction that it makes, if it makes one.
    pub transaction_id: Uuid,
    pub occurrence_of: Option<Occurrence>,
    /// The recurring transaction that begins with it.
    pub begins: Option<Box<Recurring>>,
    pub now: DateTime<Utc>,
}

/// What recurs, of which a transaction is one occurrence.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    pub recurring_id: Uuid,
    /// It must be active and have this version; none when it begins with this one.
    pub if_version: Option<i64>,
}

#[derive(Debug, Clone)]
pub enum Order {
    /// Record income, an expense or a transfer.
    Create(TransactionInput),
    /// Post the reversal and the new legs.
    Edit { transaction_id: Uuid, changes: TransactionChanges, if_version: Option<i64> },
    /// Post the reversal.
    Void { transaction_id: Uuid, if_version: Option<i64> },
    /// Post the legs of a voided transaction again.
    Restore { transaction_id: Uuid, if_version: Option<i64> },
    /// Open an account, with its first balance.
    OpenAccount { account_id: Uuid, input: AccountInput },
    /// Change an account; another balance posts an adjustment.
    ChangeAccount { account_id: Uuid, changes: AccountChanges, if_version: Option<i64> },
}

impl Command {
    pub fn new(household: Household, order: Order, transaction_id: Uuid, now: DateTime<Utc>) -> Self {
        Self { household, order, transaction_id, occurrence_of: None, begins: None, now }
    }

    pub fn today(&self) -> NaiveDate {
        self.household.today(self.now)
    }

    /// The row that it changes: a batch changes each only once.
    pub fn changes_row(&self) -> Option<Uuid> {
        match &self.order {
            Order::ChangeAccount { account_id, .. } => Some(*account_id),
            Order::Edit { .. }
            | Order::Void { .. }
            | Order::Restore { .. }
            | Order::Create(_)
            | Order::OpenAccount { .. } => self.names_transaction(),
        }
    }

    /// The transaction that must be locked and read first.
    pub fn names_transaction(&self) -> Option<Uuid> {
        match &self.order {
            Order::Edit { transaction_id, .. }
            | Order::Void { transaction_id, .. }
            | Order::Restore { transaction_id, .. } => Some(*transaction_id),
            Order::Create(_) | Order::OpenAccount { .. } | Order::ChangeAccount { .. } => None,
        }
    }

    /// The accounts that the words name; those of a standing transaction come on top.
    pub fn names_accounts(&self) -> Vec<Uuid> {
        let read = |text: Option<&str>| text.and_then(|text| Uuid::parse_str(text.trim()).ok());
        match &self.order {
            Order::Create(input) => [read(Some(&input.account_id)), read(input.to_account_id.as_deref())]
                .into_iter()
                .flatten()
                .collect(),
            Order::Edit { changes, .. } => {
                let to = changes.to_account_id.as_ref().and_then(Option::as_deref);
                [read(changes.account_id.as_deref()), read(to)].into_iter().flatten().collect()
            }
            Order::ChangeAccount { account_id, .. } => vec![*account_id],
            Order::Void { .. } | Order::Restore { .. } | Order::OpenAccount { .. } => Vec::new(),
        }
    }

    /// The categories that the words name; those of a standing transaction come on top.
    pub fn names_categories(&self) -> Vec<Uuid> {
        let (category, splits) = match &self.order {
            Order::Create(input) => (input.category_id.as_deref(), input.splits.as_slice()),
            Order::Edit { changes, .. } => (
                changes.category_id.as_ref().and_then(Option::as_deref),
                changes.splits.as_deref().unwrap_or_default(),
            ),
            Order::Void { .. }
            | Order::Restore { .. }
            | Order::OpenAccount { .. }
            | Order::ChangeAccount { .. } => return Vec::new(),
        };
        let texts = category.into_iter().chain(splits.iter().map(|split| split.category_id.as_str()));
        texts.filter_map(|text| Uuid::parse_str(text.trim()).ok()).collect()
    }

    /// What recurs and must not change before the commit.
    pub fn names_recurring(&self) -> Option<Uuid> {
        self.occurrence_of.filter(|it| it.if_version.is_some()).map(|it| it.recurring_id)
    }

    /// The account whose balance today it sets or tells.
    pub fn tells_balance_of(&self) -> Option<Uuid> {
        match &self.order {
            Order::ChangeAccount { account_id, .. } => Some(*account_id),
            Order::Create(_)
            | Order::Edit { .. }
            | Order::Void { .. }
            | Order::Restore { .. }
            | Order::OpenAccount { .. } => None,
        }
    }

    /// Whether it gives an account a name.
    pub fn gives_name(&self) -> bool {
        match &self.order {
            Order::OpenAccount { .. } => true,
            Order::ChangeAccount { changes, .. } => changes.name.is_some(),
            Order::Create(_) | Order::Edit { .. } | Order::Void { .. } | Order::Restore { .. } => false,
        }
    }

    pub fn opens_account(&self) -> bool {
        matches!(self.order, Order::OpenAccount { .. })
    }

    /// The key of the name that an account is to have.
    pub fn names_account_key(&self) -> Option<String> {
        match &self.order {
            Order::OpenAccount { input, .. } => Some(input.name.as_str()),
            Order::ChangeAccount { changes, .. } => changes.name.as_deref(),
            Order::Create(_) | Order::Edit { .. } | Order::Void { .. } | Order::Restore { .. } => None,
        }
        .map(str::trim)
        // No account has such a name, and PostgreSQL would not even take the question.
        .filter(|name| !name.chars().any(char::is_control))
        .map(name_key)
    }
}
