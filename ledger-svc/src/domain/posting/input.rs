//! Validates the input of a transaction, and reports all of its violations at once.

use chrono::NaiveDate;
use fintrac_money::{Amount, AmountError, Currency, Money};
use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use uuid::Uuid;

use super::Command;
use super::batch_state::BatchState;
use super::rejection::Rejection;
use crate::domain::account::Account;
use crate::domain::category::{CategoryRef, CategoryType};
use crate::domain::details::{MAX_DESCRIPTION_CHARS, TransactionDetails};
use crate::domain::transaction::{SplitInput, Transaction, TransactionInput, TransactionType};
use crate::domain::{parse, require};

const MAX_SPLITS: usize = 50;

/// A validated split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedSplit {
    pub category: CategoryRef,
    pub amount: Money,
    pub description: Option<String>,
}

/// The validated input of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTransaction {
    pub transaction_type: TransactionType,
    pub account_id: Uuid,
    pub account_currency: Currency,
    pub to_account_id: Option<Uuid>,
    pub to_currency: Option<Currency>,
    pub category: Option<CategoryRef>,
    /// The splits that replace the category. They sum to the amount.
    pub splits: Vec<ResolvedSplit>,
    pub amount: Money,
    pub to_amount: Option<Money>,
    pub details: TransactionDetails,
    pub date: NaiveDate,
}

/// Validates the input of one command.
pub(super) struct InputResolver<'a> {
    state: &'a BatchState,
    command: &'a Command,
    /// The type of the stored transaction.
    current_type: Option<TransactionType>,
    /// The stored amount, if the command does not change it.
    pinned_amount: Option<Money>,
    violations: Vec<FieldViolation>,
}

impl<'a> InputResolver<'a> {
    pub fn new(state: &'a BatchState, command: &'a Command) -> Self {
        Self { state, command, current_type: None, pinned_amount: None, violations: Vec::new() }
    }

    /// Validates the input against the transaction that it changes.
    pub fn for_stored(self, stored: &Transaction, keeps_amount: bool) -> Self {
        let pinned_amount = keeps_amount.then_some(stored.amount);
        Self { current_type: Some(stored.transaction_type), pinned_amount, ..self }
    }

    fn reject(&mut self, field: &str, code: FieldCode, description: &str) {
        self.violations.push(FieldViolation::new(field, code, description));
    }

    /// Validates `input`, or returns all of its violations.
    pub fn resolve(mut self, input: &TransactionInput) -> Result<ResolvedTransaction, Rejection> {
        let transaction_type = self.transaction_type(&input.transaction_type);
        let account = self.account("account_id", Some(&input.account_id));
        let is_transfer = transaction_type == Some(TransactionType::Transfer);
        let to_account = match (&input.to_account_id, is_transfer) {
            (to, true) => self.account("to_account_id", to.as_deref()),
            (Some(_), false) if transaction_type.is_some() => {
                self.reject(
                    "to_account_id",
                    FieldCode::Conflicting,
                    "The field is only for transfers. Omit it.",
                );
                None
            }
            (_, false) => None,
        };
        if let (Some(from), Some(to)) = (account, to_account)
            && from.id == to.id
        {
            self.violations.push(FieldViolation::from_code("to_account_id", FieldCode::SameAccount));
        }
        let category =
            input.category_id.as_deref().and_then(|id| self.category("category_id", id, transaction_type));
        let amount = self.amount(input, transaction_type, account);
        let splits = self.splits(input, transaction_type, amount);
        let to_amount =
            self.resolve_to_amount(input.to_amount.as_deref(), transaction_type, account, to_account);
        let details = input.details.validate(&mut self.violations);
        let date = match input.transaction_date.as_deref() {
            None => Some(self.command.today()),
            Some(text) => {
                let date =
                    date::parse_or_timestamp(text.trim(), |instant| self.command.household.today(instant));
                require(date, "transaction_date", FieldCode::DateInvalid, &mut self.violations)
            }
        };
        match (transaction_type, account, amount, date) {
            (Some(transaction_type), Some(account), Some(amount), Some(date))
                if self.violations.is_empty() =>
            {
                Ok(ResolvedTransaction {
                    transaction_type,
                    account_id: account.id,
                    account_currency: account.currency(),
                    to_account_id: to_account.map(|account| account.id),
                    to_currency: to_account.map(Account::currency),
                    category,
                    splits,
                    amount,
                    to_amount,
                    details,
                    date,
                })
            }
            _ => Err(Rejection::Invalid(self.violations)),
        }
    }

    fn transaction_type(&mut self, text: &str) -> Option<TransactionType> {
        let requested = parse::<TransactionType>(text);
        let is_system = |kind: Option<TransactionType>| kind.is_some_and(TransactionType::is_system);
        // The system's types are neither entered nor changed.
        let fits = if is_system(requested) || is_system(self.current_type) {
            requested == self.current_type
        } else {
            requested.is_some()
        };
        if text.trim().is_empty() {
            self.reject("type", FieldCode::Required, "The type must be income, expense or transfer.");
        } else if !fits {
            self.violations.push(FieldViolation::from_code("type", FieldCode::TransactionTypeInvalid));
        }
        requested.filter(|_| fits)
    }

    fn account(&mut self, field: &str, id: Option<&str>) -> Option<&'a Account> {
        let id = id.map(str::trim).unwrap_or_default();
        if id.is_empty() {
            self.reject(field, FieldCode::Required, "An account is required. Send its id.");
            return None;
        }
        let household = self.command.household.id;
        let found = Uuid::parse_str(id).ok().and_then(|id| self.state.account(household, id));
        require(found, field, FieldCode::AccountNotFound, &mut self.violations)
    }

    fn category(
        &mut self,
        field: &str,
        id: &str,
        transaction_type: Option<TransactionType>,
    ) -> Option<CategoryRef> {
        match transaction_type {
            Some(TransactionType::Transfer | TransactionType::Opening | TransactionType::Adjustment) => {
                let text = "The category is only for income and expenses. Omit it.";
                self.reject(field, FieldCode::Conflicting, text);
                return None;
            }
            Some(TransactionType::Income | TransactionType::Expense) | None => {}
        }
        let household = self.command.household.id;
        let found =
            Uuid::parse_str(id.trim()).ok().and_then(|id| self.state.categories.get(&(household, id)));
        let category = *require(found, field, FieldCode::CategoryNotFound, &mut self.violations)?;
        // An income with an expense category is a refund; the reverse has no meaning.
        if transaction_type == Some(TransactionType::Expense)
            && category.category_type == CategoryType::Income
        {
            let text = "The category must be of type expense. Choose another one.";
            self.reject(field, FieldCode::CategoryTypeMismatch, text);
        }
        Some(category)
    }

    fn splits(
        &mut self,
        input: &TransactionInput,
        transaction_type: Option<TransactionType>,
        amount: Option<Money>,
    ) -> Vec<ResolvedSplit> {
        let (splits, has_category) = (input.splits.as_slice(), input.category_id.is_some());
        if splits.is_empty() {
            return Vec::new();
        }
        if has_category {
            let text = "A category and splits are mutually exclusive. Omit one of them.";
            self.reject("splits", FieldCode::Conflicting, text);
        }
        if splits.len() > MAX_SPLITS {
            self.reject("splits", FieldCode::TooManyItems, "A transaction must have at most 50 splits.");
            return Vec::new();
        }
        let found: Vec<_> = splits
            .iter()
            .enumerate()
            .filter_map(|(index, split)| {
                self.split(&format!("splits[{index}]"), split, transaction_type, amount)
            })
            .collect();
        let sum = found.iter().try_fold(0_i64, |sum, split| sum.checked_add(split.amount.minor()));
        if let Some(amount) = amount.filter(|_| found.len() == splits.len())
            && sum != Some(amount.minor())
        {
            let text = format!("The splits must sum to {amount}. Change them or the amount.");
            self.reject("splits", FieldCode::SplitsSumMismatch, &text);
        }
        found
    }

    fn split(
        &mut self,
        field: &str,
        split: &SplitInput,
        transaction_type: Option<TransactionType>,
        amount: Option<Money>,
    ) -> Option<ResolvedSplit> {
        let path = |name: &str| format!("{field}.{name}");
        let category = self.category(&path("category_id"), &split.category_id, transaction_type);
        let description = text::optional_line(
            &path("description"),
            split.description.as_deref(),
            MAX_DESCRIPTION_CHARS,
            &mut self.violations,
        );
        // Without a valid amount the currency is unknown.
        let read = Amount::parse(&split.amount)
            .and_then(|read| amount.map(|amount| read.positive(amount.currency())).transpose());
        match read {
            Ok(part) => Some(ResolvedSplit { category: category?, amount: part?, description }),
            Err(error) => {
                self.violations.push(error.violation(&path("amount")));
                None
            }
        }
    }

    fn amount(
        &mut self,
        input: &TransactionInput,
        transaction_type: Option<TransactionType>,
        account: Option<&Account>,
    ) -> Option<Money> {
        let currency = match &input.currency_code {
            None => account.map(Account::currency),
            Some(code) => {
                let found = Currency::from_code(code).filter(|currency| {
                    currency.is_active() || account.is_some_and(|account| account.currency() == *currency)
                });
                require(found, "currency_code", FieldCode::CurrencyInvalid, &mut self.violations)
            }
        };
        if input.amount.is_empty() {
            self.reject("amount", FieldCode::Required, "An amount is required. Send one such as 12.50.");
            return None;
        }
        let is_system = transaction_type.is_some_and(TransactionType::is_system);
        if let (true, Some(currency), Some(account)) = (is_system, currency, account)
            && currency != account.currency()
        {
            let text = "The currency must be that of the account. Omit it.";
            self.reject("currency_code", FieldCode::CurrencyImmutable, text);
        }
        if self.pinned_amount.is_some() {
            return self.pinned_amount;
        }
        let read = Amount::parse(&input.amount).and_then(|amount| {
            let Some(currency) = currency else { return Ok(None) };
            // Without a valid type any sign is accepted.
            let signed = is_system || transaction_type.is_none();
            let money = if signed { amount.in_currency(currency)? } else { amount.positive(currency)? };
            if money.is_zero() { Err(AmountError::NotPositive) } else { Ok(Some(money)) }
        });
        read.unwrap_or_else(|error| {
            self.violations.push(error.violation("amount"));
            None
        })
    }

    fn resolve_to_amount(
        &mut self,
        text: Option<&str>,
        transaction_type: Option<TransactionType>,
        account: Option<&Account>,
        to_account: Option<&Account>,
    ) -> Option<Money> {
        let (Some(from), Some(to)) = (account, to_account) else {
            if text.is_some()
                && transaction_type
                    .is_some_and(|transaction_type| transaction_type != TransactionType::Transfer)
            {
                self.reject("to_amount", FieldCode::Conflicting, "The field is only for transfers. Omit it.");
            }
            return None;
        };
        let same = from.currency() == to.currency();
        match text {
            None if same => None,
            None => {
                let text = "The accounts have different currencies. Send the amount that arrives.";
                self.reject("to_amount", FieldCode::Required, text);
                None
            }
            Some(_) if same => {
                let text = "The field is only for accounts with different currencies. Omit it.";
                self.reject("to_amount", FieldCode::Conflicting, text);
                None
            }
            Some(text) => {
                let read = Amount::parse(text).and_then(|amount| amount.positive(to.currency()));
                read.map_err(|error| self.violations.push(error.violation("to_amount"))).ok()
            }
        }
    }
}
