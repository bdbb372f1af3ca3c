//! Transactions: the input of users, the current state and the revisions.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::{Amount, Currency, Money};
use uuid::Uuid;

use super::rate::Rate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionType {
    Income,
    Expense,
    Transfer,
    /// The transaction that gives a new account its balance.
    Opening,
    /// The transaction that corrects a balance to a stated amount.
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

    /// Parses a transaction type, ignoring case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// Returns whether the system creates this type, with a signed amount.
    pub fn is_system(self) -> bool {
        match self {
            Self::Opening | Self::Adjustment => true,
            Self::Income | Self::Expense | Self::Transfer => false,
        }
    }

    /// Returns the signed change of the account for an amount of this type.
    pub fn change(self, amount: Money) -> Money {
        match self {
            Self::Expense | Self::Transfer => amount.negated(),
            Self::Income | Self::Opening | Self::Adjustment => amount,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    Posted,
    Voided,
}

impl TransactionStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Voided => "voided",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        [Self::Posted, Self::Voided].into_iter().find(|value| value.as_str() == text)
    }
}

/// The maximum number of characters of a tag.
pub const MAX_TAG_CHARS: usize = 50;

/// The texts of a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub description: Option<String>,
    pub reference_number: Option<String>,
    pub notes: Option<String>,
    pub tags: Vec<String>,
}

/// A part of a transaction's amount with its own category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub category_id: Uuid,
    /// The part in the entered currency. All parts sum to the entered amount.
    pub amount: Money,
    pub description: Option<String>,
}

/// The current state of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    pub transaction_type: TransactionType,
    pub status: TransactionStatus,
    pub account_id: Uuid,
    pub to_account_id: Option<Uuid>,
    pub category_id: Option<Uuid>,
    /// The splits that replace the category.
    pub splits: Vec<Split>,
    /// The amount as entered. It is positive unless the system created the transaction.
    pub amount: Money,
    /// The entered amount that arrives, if the accounts' currencies differ.
    pub to_amount: Option<Money>,
    /// The signed change of the account, in its currency.
    pub account_change: Money,
    /// The signed change of the other account of a transfer, in its currency.
    pub to_account_change: Option<Money>,
    /// The absolute amount in the household's currency. None until a rate is known.
    pub household_amount: Option<Money>,
    pub household_currency: Currency,
    /// The rate from the entered currency to the account's, if they differ.
    pub rate: Option<Rate>,
    pub texts: Texts,
    pub date: NaiveDate,
    /// The recurring transaction that posted it.
    pub recurring_id: Option<Uuid>,
    /// The number of the latest revision.
    pub version: i64,
    /// The revision whose postings are in effect. None if voided.
    pub posted_revision: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Transaction {
    /// Returns the size of the texts in bytes.
    pub fn text_bytes(&self) -> usize {
        let Texts { description, reference_number, notes, tags } = &self.texts;
        let texts = [description, reference_number, notes].into_iter().flatten();
        let splits = self.splits.iter().filter_map(|split| split.description.as_ref());
        texts.chain(tags).chain(splits).map(String::len).sum()
    }

    /// Returns the amount in the account's currency, with the sign of `amount`.
    pub fn account_amount(&self) -> Money {
        self.transaction_type.change(self.account_change)
    }

    /// Returns each split's share of the account amount and the household amount.
    pub fn split_shares(&self) -> Vec<(Option<Money>, Option<Money>)> {
        let weights: Vec<_> = self.splits.iter().map(|split| split.amount.minor()).collect();
        let share = |whole: Money| whole.allocate(&weights);
        let in_account = share(self.account_amount());
        let in_household = self.household_amount.and_then(share);
        let share_at = |shares: &Option<Vec<Money>>, number: usize| shares.as_ref()?.get(number).copied();
        (0..weights.len())
            .map(|number| (share_at(&in_account, number), share_at(&in_household, number)))
            .collect()
    }

    /// Returns the signed change of `account`.
    pub fn change_on(&self, account: Uuid) -> Option<Money> {
        if account == self.account_id {
            Some(self.account_change)
        } else {
            self.to_account_change.filter(|_| self.to_account_id == Some(account))
        }
    }
}

/// The input for a new transaction, as sent by the client.
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

/// A split as sent by the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SplitInput {
    pub category_id: String,
    pub amount: String,
    pub description: Option<String>,
}

/// The requested changes of a transaction; an inner `None` clears a field.
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
    /// The new splits. An empty list clears them.
    pub splits: Option<Vec<SplitInput>>,
}

impl TransactionChanges {
    /// Returns the input that would create the stored transaction with these changes.
    pub fn apply_to(&self, stored: &Transaction) -> TransactionInput {
        self.apply_to_input(TransactionInput::from(stored))
    }

    /// Applies the changes to an input.
    ///
    /// Fields that a change makes meaningless are dropped unless they are also sent:
    /// splits when a category is set and vice versa, the category and splits when the type
    /// becomes transfer, `to_account_id` and `to_amount` when it is no longer a transfer,
    /// and `to_amount` when the amount or an account changes.
    pub fn apply_to_input(&self, before: TransactionInput) -> TransactionInput {
        let sets = |change: &Option<Option<String>>| matches!(change, Some(Some(_)));
        let categorized = sets(&self.category_id);
        let split = self.splits.as_ref().is_some_and(|splits| !splits.is_empty());
        let changes_type = |to_transfer: bool| {
            let is_transfer =
                |text: &str| TransactionType::from_text(text) == Some(TransactionType::Transfer);
            self.transaction_type.as_deref().is_some_and(|text| {
                is_transfer(text) == to_transfer && is_transfer(&before.transaction_type) != to_transfer
            })
        };
        let (to_transfer, from_transfer) = (changes_type(true), changes_type(false));
        let moves_otherwise = self.changes_amount(&before)
            || differs(self.account_id.as_ref(), Some(&before.account_id))
            || differs(self.to_account_id.as_ref().and_then(Option::as_ref), before.to_account_id.as_ref());
        TransactionInput {
            category_id: self
                .category_id
                .clone()
                .unwrap_or(before.category_id.filter(|_| !split && !to_transfer)),
            splits: self.splits.clone().unwrap_or(if categorized || to_transfer {
                Vec::new()
            } else {
                before.splits
            }),
            to_account_id: self
                .to_account_id
                .clone()
                .unwrap_or(before.to_account_id.filter(|_| !from_transfer)),
            to_amount: self
                .to_amount
                .clone()
                .unwrap_or(before.to_amount.filter(|_| !from_transfer && !moves_otherwise)),
            account_id: self.account_id.clone().unwrap_or(before.account_id),
            transaction_type: self.transaction_type.clone().unwrap_or(before.transaction_type),
            amount: self.amount.clone().unwrap_or(before.amount),
            currency_code: self.currency_code.clone().or(before.currency_code),
            description: self.description.clone().unwrap_or(before.description),
            reference_number: self.reference_number.clone().unwrap_or(before.reference_number),
            notes: self.notes.clone().unwrap_or(before.notes),
            tags: self.tags.clone().unwrap_or(before.tags),
            transaction_date: self.transaction_date.clone().or(before.transaction_date),
        }
    }

    /// Returns whether the amount or the currency differs from `before`.
    fn changes_amount(&self, before: &TransactionInput) -> bool {
        let amount = |text: &str| Amount::parse(text).ok();
        let another = |text: &String| amount(text) != amount(&before.amount);
        let code = |text: &str| Currency::from_code(text);
        let another_currency =
            |text: &String| before.currency_code.as_deref().is_none_or(|before| code(text) != code(before));
        self.amount.as_ref().is_some_and(another) || self.currency_code.as_ref().is_some_and(another_currency)
    }
}

/// Returns whether an id was sent that differs from `before`.
fn differs(sent: Option<&String>, before: Option<&String>) -> bool {
    let id = |text: &String| Uuid::parse_str(text.trim()).ok();
    sent.is_some_and(|sent| id(sent) != before.and_then(id))
}

impl From<&Transaction> for TransactionInput {
    fn from(transaction: &Transaction) -> Self {
        let split = |split: &Split| SplitInput {
            category_id: split.category_id.to_string(),
            amount: split.amount.to_string(),
            description: split.description.clone(),
        };
        let texts = transaction.texts.clone();
        Self {
            account_id: transaction.account_id.to_string(),
            transaction_type: transaction.transaction_type.as_str().to_owned(),
            amount: transaction.amount.to_string(),
            currency_code: Some(transaction.amount.currency().code().to_owned()),
            category_id: transaction.category_id.map(|id| id.to_string()),
            to_account_id: transaction.to_account_id.map(|id| id.to_string()),
            to_amount: transaction.to_amount.map(|amount| amount.to_string()),
            description: texts.description,
            reference_number: texts.reference_number,
            notes: texts.notes,
            tags: texts.tags,
            transaction_date: Some(transaction.date.to_string()),
            splits: transaction.splits.iter().map(split).collect(),
        }
    }
}

/// A revision of a transaction with the changed fields.
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

/// A changed field with its values before and after.
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

/// Lists the fields that differ between two states of a transaction.
pub fn differences(before: &Transaction, after: &Transaction) -> Vec<FieldChange> {
    let fields = |transaction: &Transaction| {
        let text_value = |text: &str| FieldValue::Text(Some(text.to_owned()));
        let id = |id: Option<Uuid>| FieldValue::Text(id.map(|id| id.to_string()));
        let texts = transaction.texts.clone();
        [
            ("type", text_value(transaction.transaction_type.as_str())),
            ("status", text_value(transaction.status.as_str())),
            ("account_id", id(Some(transaction.account_id))),
            ("to_account_id", id(transaction.to_account_id)),
            ("category_id", id(transaction.category_id)),
            ("amount", text_value(&transaction.amount.to_string())),
            ("currency_code", text_value(transaction.amount.currency().code())),
            ("to_amount", FieldValue::Text(transaction.to_account_change.map(|amount| amount.to_string()))),
            ("description", FieldValue::Text(texts.description)),
            ("reference_number", FieldValue::Text(texts.reference_number)),
            ("notes", FieldValue::Text(texts.notes)),
            ("tags", FieldValue::List(texts.tags)),
            ("transaction_date", text_value(&transaction.date.to_string())),
            ("splits", FieldValue::Splits(transaction.splits.clone())),
        ]
    };
    let pairs = fields(before).into_iter().zip(fields(after));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| FieldChange { field, before, after })
        .collect()
}
