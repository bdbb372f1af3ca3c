//! Transactions: the input of users, the current state and the revisions.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::{Amount, Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::changes::Changes;
use super::details::TransactionDetails;
use super::parse;
use super::rate::Rate;

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum TransactionStatus {
    Posted,
    Voided,
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
    pub details: TransactionDetails,
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
        let splits = self.splits.iter().filter_map(|split| split.description.as_ref());
        self.details.texts().chain(splits).map(String::len).sum()
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransactionInput {
    pub account_id: String,
    #[serde(rename = "type")]
    pub transaction_type: String,
    pub amount: String,
    pub currency_code: Option<String>,
    pub category_id: Option<String>,
    pub to_account_id: Option<String>,
    pub to_amount: Option<String>,
    #[serde(flatten)]
    pub details: TransactionDetails,
    /// The date. None in the stored template of a recurring transaction.
    #[serde(skip)]
    pub transaction_date: Option<String>,
    pub splits: Vec<SplitInput>,
}

/// A split as sent by the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitInput {
    pub category_id: String,
    pub amount: String,
    pub description: Option<String>,
}

/// The requested changes of a transaction. An empty list of splits clears them.
pub type TransactionChanges = Changes<TransactionInput>;

impl TransactionChanges {
    /// Applies the changes to `input`.
    ///
    /// Fields that a change makes meaningless are dropped unless they are also sent:
    /// splits when a category is set and vice versa, the category and splits when the type
    /// becomes transfer, `to_account_id` and `to_amount` when it is no longer a transfer,
    /// and `to_amount` when the amount or an account changes.
    pub fn apply_to(&self, mut input: TransactionInput) -> TransactionInput {
        let sent = &self.values;
        let is_transfer = |text: &str| parse(text) == Some(TransactionType::Transfer);
        let becomes_transfer = is_transfer(&sent.transaction_type);
        let changes_type = self.contains("type") && becomes_transfer != is_transfer(&input.transaction_type);
        let is_categorized = self.contains("category_id") && sent.category_id.is_some();
        let is_split = self.contains("splits") && !sent.splits.is_empty();
        let id = |text: &str| Uuid::parse_str(text.trim()).ok();
        let changes_movement = self.changes_amount(&input)
            || self.contains("account_id") && id(&sent.account_id) != id(&input.account_id)
            || self.contains("to_account_id")
                && sent
                    .to_account_id
                    .as_deref()
                    .is_some_and(|sent| id(sent) != input.to_account_id.as_deref().and_then(id));
        if is_split || changes_type && becomes_transfer {
            input.category_id = None;
        }
        if is_categorized || changes_type && becomes_transfer {
            input.splits.clear();
        }
        if changes_type && !becomes_transfer {
            input.to_account_id = None;
        }
        if changes_movement || changes_type && !becomes_transfer {
            input.to_amount = None;
        }
        self.apply_field("account_id", &mut input.account_id, |sent| &sent.account_id);
        self.apply_field("type", &mut input.transaction_type, |sent| &sent.transaction_type);
        self.apply_field("amount", &mut input.amount, |sent| &sent.amount);
        self.apply_field("category_id", &mut input.category_id, |sent| &sent.category_id);
        self.apply_field("to_account_id", &mut input.to_account_id, |sent| &sent.to_account_id);
        self.apply_field("to_amount", &mut input.to_amount, |sent| &sent.to_amount);
        self.apply_field("splits", &mut input.splits, |sent| &sent.splits);
        // These cannot be cleared: without a value they are rejected as empty.
        if self.contains("currency_code") {
            input.currency_code = Some(sent.currency_code.clone().unwrap_or_default());
        }
        if self.contains("transaction_date") {
            input.transaction_date = Some(sent.transaction_date.clone().unwrap_or_default());
        }
        input.details.apply(self, |values| &values.details);
        input
    }

    /// Returns whether the amount or the currency differs from `before`.
    fn changes_amount(&self, before: &TransactionInput) -> bool {
        let amount = |text: &str| Amount::parse(text).ok();
        let currency = |text: &Option<String>| text.as_deref().map(Currency::from_code);
        self.contains("amount") && amount(&self.values.amount) != amount(&before.amount)
            || self.contains("currency_code")
                && currency(&self.values.currency_code) != currency(&before.currency_code)
    }
}

impl From<&Transaction> for TransactionInput {
    fn from(transaction: &Transaction) -> Self {
        let split = |split: &Split| SplitInput {
            category_id: split.category_id.to_string(),
            amount: split.amount.to_string(),
            description: split.description.clone(),
        };
        Self {
            account_id: transaction.account_id.to_string(),
            transaction_type: transaction.transaction_type.into_str().to_owned(),
            amount: transaction.amount.to_string(),
            currency_code: Some(transaction.amount.currency().code().to_owned()),
            category_id: transaction.category_id.map(|id| id.to_string()),
            to_account_id: transaction.to_account_id.map(|id| id.to_string()),
            to_amount: transaction.to_amount.map(|amount| amount.to_string()),
            details: transaction.details.clone(),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum RevisionKind {
    Created,
    Updated,
    Voided,
    Restored,
}

/// A changed field with its values before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: Value,
    pub after: Value,
}

/// Lists the fields that differ between two states of a transaction.
pub fn differences(before: &Transaction, after: &Transaction) -> Vec<FieldChange> {
    let pairs = field_values(before).zip(field_values(after));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| FieldChange { field, before, after })
        .collect()
}

/// Lists the names and values of the fields that users can change.
fn field_values(transaction: &Transaction) -> impl Iterator<Item = (&'static str, Value)> {
    let amount = |amount: Option<Money>| json!(amount.map(|amount| amount.to_string()));
    let split = |split: &Split| json!({ "category_id": split.category_id, "amount": split.amount.to_string(), "description": split.description });
    let fields = [
        ("type", json!(transaction.transaction_type.into_str())),
        ("status", json!(transaction.status.into_str())),
        ("account_id", json!(transaction.account_id)),
        ("to_account_id", json!(transaction.to_account_id)),
        ("category_id", json!(transaction.category_id)),
        ("amount", amount(Some(transaction.amount))),
        ("currency_code", json!(transaction.amount.currency().code())),
        ("to_amount", amount(transaction.to_account_change)),
        ("transaction_date", json!(transaction.date)),
        ("splits", transaction.splits.iter().map(split).collect()),
    ];
    fields.into_iter().chain(transaction.details.values())
}
