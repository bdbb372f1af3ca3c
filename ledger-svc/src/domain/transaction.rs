//! Transactions: what users say happened, and how it stands.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::{Currency, Money};
use uuid::Uuid;

use super::rate::Rate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionType {
    Income,
    Expense,
    Transfer,
    /// An account's first balance.
    Opening,
    /// A balance that was set by hand.
    Adjustment,
}

impl TransactionType {
    const ALL: [Self; 5] = [Self::Income, Self::Expense, Self::Transfer, Self::Opening, Self::Adjustment];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Income => "income",
            Self::Expense => "expense",
            Self::Transfer => "transfer",
            Self::Opening => "opening",
            Self::Adjustment => "adjustment",
        }
    }

    /// In any letter case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Made by the system; its amount is signed.
    pub fn is_system(self) -> bool {
        match self {
            Self::Opening | Self::Adjustment => true,
            Self::Income | Self::Expense | Self::Transfer => false,
        }
    }

    /// What an amount of this type does to the account that it is booked on.
    pub fn change(self, amount: Money) -> Money {
        match self {
            Self::Expense | Self::Transfer => amount.negated(),
            Self::Income | Self::Opening | Self::Adjustment => amount,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Posted,
    Voided,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Voided => "voided",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        [Self::Posted, Self::Voided].into_iter().find(|it| it.as_str() == text)
    }
}

/// Characters of a tag.
pub const LONGEST_TAG: usize = 50;

/// The words on a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub description: Option<String>,
    pub reference_number: Option<String>,
    pub notes: Option<String>,
    pub tags: Vec<String>,
}

/// A part of an amount that has a category of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub category_id: Uuid,
    /// Of the user's word; all of them sum to it.
    pub amount: Money,
    pub description: Option<String>,
}

/// A transaction as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    pub transaction_type: TransactionType,
    pub status: Status,
    pub account_id: Uuid,
    pub to_account_id: Option<Uuid>,
    pub category_id: Option<Uuid>,
    /// Instead of one category.
    pub splits: Vec<Split>,
    /// The user's word; above zero unless the system made it.
    pub amount: Money,
    /// The user's word on what arrives, where currencies differ.
    pub to_amount: Option<Money>,
    /// What moved on the accounts, signed.
    pub account_change: Money,
    pub to_account_change: Option<Money>,
    /// Its size in the household's currency; none as long as no rate is known.
    pub household_amount: Option<Money>,
    pub household_currency: Currency,
    /// From the word's currency to the account's, where they differ.
    pub rate: Option<Rate>,
    pub texts: Texts,
    pub date: NaiveDate,
    /// The recurring transaction that made it.
    pub recurring_id: Option<Uuid>,
    /// Number of the newest revision.
    pub version: i64,
    /// The revision whose legs stand; none when voided.
    pub posted_revision: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Transaction {
    /// The amount in the account's currency, signed as the amount is.
    pub fn account_amount(&self) -> Money {
        self.transaction_type.change(self.account_change)
    }

    /// What it changed on `account`.
    pub fn change_on(&self, account: Uuid) -> Option<Money> {
        if account == self.account_id {
            Some(self.account_change)
        } else {
            self.to_account_change.filter(|_| self.to_account_id == Some(account))
        }
    }
}

/// What somebody asks for who records a transaction, as he wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionInput {
    pub account_id: String,
    pub transaction_type: String,
    pub amount: String,
    pub currency_code: Option<String>,
    pub category_id: Option<String>,
    pub to_account_id: Option<String>,
    pub to_amount: Option<String>,
    pub description: Option<String>,
    pub reference_number: Option<String>,
    pub notes: Option<String>,
    pub tags: Vec<String>,
    pub transaction_date: Option<String>,
    pub splits: Vec<SplitInput>,
}

/// A split as somebody wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SplitInput {
    pub category_id: String,
    pub amount: String,
    pub description: Option<String>,
}

/// The fields that somebody wants changed; an inner `None` clears one.
#[derive(Debug, Clone, Default)]
pub struct TransactionChanges {
    pub account_id: Option<String>,
    pub transaction_type: Option<String>,
    pub amount: Option<String>,
    pub currency_code: Option<String>,
    pub category_id: Option<Option<String>>,
    pub to_account_id: Option<Option<String>>,
    pub to_amount: Option<Option<String>>,
    pub description: Option<Option<String>>,
    pub reference_number: Option<Option<String>>,
    pub notes: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
    pub transaction_date: Option<String>,
    /// None at all clears them.
    pub splits: Option<Vec<SplitInput>>,
}

impl TransactionChanges {
    /// The whole transaction as if it were recorded anew.
    pub fn over(&self, standing: &Transaction) -> TransactionInput {
        let text = |id: Option<Uuid>| id.map(|id| id.to_string());
        let texts = &standing.texts;
        let names = |change: &Option<Option<String>>| matches!(change, Some(Some(_)));
        // A category takes the place of splits, and they of it.
        let (categorised, split) =
            (names(&self.category_id), self.splits.as_ref().is_some_and(|it| !it.is_empty()));
        let category_id = standing.category_id.filter(|_| !split);
        let splits = standing.splits.iter().filter(|_| !categorised).map(|split| SplitInput {
            category_id: split.category_id.to_string(),
            amount: split.amount.to_string(),
            description: split.description.clone(),
        });
        let or = |change: &Option<Option<String>>, before: Option<String>| change.clone().unwrap_or(before);
        TransactionInput {
            account_id: self.account_id.clone().unwrap_or_else(|| standing.account_id.to_string()),
            transaction_type: self
                .transaction_type
                .clone()
                .unwrap_or_else(|| standing.transaction_type.as_str().to_owned()),
            amount: self.amount.clone().unwrap_or_else(|| standing.amount.to_string()),
            currency_code: Some(
                self.currency_code.clone().unwrap_or_else(|| standing.amount.currency().code().to_owned()),
            ),
            category_id: or(&self.category_id, text(category_id)),
            to_account_id: or(&self.to_account_id, text(standing.to_account_id)),
            to_amount: or(&self.to_amount, standing.to_amount.map(|amount| amount.to_string())),
            description: or(&self.description, texts.description.clone()),
            reference_number: or(&self.reference_number, texts.reference_number.clone()),
            notes: or(&self.notes, texts.notes.clone()),
            tags: self.tags.clone().unwrap_or_else(|| texts.tags.clone()),
            transaction_date: Some(
                self.transaction_date.clone().unwrap_or_else(|| standing.date.to_string()),
            ),
            splits: self.splits.clone().unwrap_or_else(|| splits.collect()),
        }
    }
}

/// Who changed what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub revision: i64,
    pub kind: RevisionKind,
    pub changes: Vec<FieldChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionKind {
    Created,
    Updated,
    Voided,
    Restored,
}

impl RevisionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Voided => "voided",
            Self::Restored => "restored",
        }
    }
}

/// One changed field as it was and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: FieldValue,
    pub after: FieldValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    Text(Option<String>),
    List(Vec<String>),
    Splits(Vec<Split>),
}

/// The fields that differ between two states.
pub fn differences(before: &Transaction, after: &Transaction) -> Vec<FieldChange> {
    let view = |it: &Transaction| {
        let said = |text: &str| FieldValue::Text(Some(text.to_owned()));
        let id = |id: Option<Uuid>| FieldValue::Text(id.map(|id| id.to_string()));
        let texts = it.texts.clone();
        [
            ("type", said(it.transaction_type.as_str())),
            ("status", said(it.status.as_str())),
            ("account_id", id(Some(it.account_id))),
            ("to_account_id", id(it.to_account_id)),
            ("category_id", id(it.category_id)),
            ("amount", said(&it.amount.to_string())),
            ("currency_code", said(it.amount.currency().code())),
            ("to_amount", FieldValue::Text(it.to_account_change.map(|amount| amount.to_string()))),
            ("description", FieldValue::Text(texts.description)),
            ("reference_number", FieldValue::Text(texts.reference_number)),
            ("notes", FieldValue::Text(texts.notes)),
            ("tags", FieldValue::List(texts.tags)),
            ("transaction_date", said(&it.date.to_string())),
            ("splits", FieldValue::Splits(it.splits.clone())),
        ]
    };
    let both = view(before).into_iter().zip(view(after));
    both.filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| FieldChange { field, before, after })
        .collect()
}
