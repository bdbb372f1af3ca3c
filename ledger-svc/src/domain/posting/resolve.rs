//! Resolves the input of a command, and reports all of its violations at once.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use fintrac_kit::error::FieldViolation;
use fintrac_kit::{date, text};
use fintrac_money::{Amount, AmountError, Currency, Money};
use uuid::Uuid;

use super::batch_state::{BatchState, StoredTransaction};
use super::rejection::Rejection;
use super::{Command, CommandKind};
use crate::domain::account::Account;
use crate::domain::category::{CategoryRef, CategoryType};
use crate::domain::transaction::{
    MAX_TAG_CHARS, SplitInput, Texts, TransactionChanges, TransactionInput, TransactionStatus,
    TransactionType,
};

const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_REFERENCE_CHARS: usize = 100;
const MAX_NOTES_CHARS: usize = 4000;
const MAX_TAGS: usize = 20;
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
    pub texts: Texts,
    pub date: NaiveDate,
}

/// The validated input of a command.
#[derive(Debug)]
pub enum ResolvedCommand {
    Create(ResolvedTransaction),
    Edit(ResolvedTransaction),
    Restore(ResolvedTransaction),
    /// A command without transaction input.
    NoAmountChange,
}

/// Resolves `command` against the loaded state.
pub fn resolve(state: &BatchState, command: &Command) -> Result<ResolvedCommand, Rejection> {
    let household = command.household.id;
    match &command.kind {
        CommandKind::Create(input) => {
            let is_superseded = command.occurrence_of.is_some_and(|occurrence| {
                let version = state.recurring.get(&(household, occurrence.recurring_id));
                occurrence.expected_version.is_some() && occurrence.expected_version != version.copied()
            });
            if is_superseded {
                return Err(Rejection::VersionMismatch);
            }
            let resolved = InputResolver::new(state, command).resolve(input, None)?;
            Ok(ResolvedCommand::Create(resolved))
        }
        CommandKind::Edit { transaction_id, changes, expected_version } => {
            let stored = find_posted(state, household, *transaction_id, *expected_version)?;
            let input = changes.apply_to(&stored.transaction);
            let mut resolver = InputResolver::new(state, command);
            // An amount that is not sent is not validated again.
            let sets_amount = changes.amount.is_some() || changes.currency_code.is_some();
            resolver.pinned_amount = (!sets_amount).then_some(stored.transaction.amount);
            let resolved = resolver.resolve(&input, Some(stored.transaction.transaction_type))?;
            Ok(ResolvedCommand::Edit(resolved))
        }
        CommandKind::Restore { transaction_id, expected_version } => {
            let stored = find_transaction(state, household, *transaction_id, *expected_version)?;
            let mut input = TransactionChanges::default().apply_to(&stored.transaction);
            // A category that was deleted meanwhile does not prevent the restoration.
            let is_live = |id: Uuid| state.categories.contains_key(&(household, id));
            if stored.transaction.category_id.is_some_and(|id| !is_live(id)) {
                input.category_id = None;
            }
            if stored.transaction.splits.iter().any(|split| !is_live(split.category_id)) {
                input.splits.clear();
            }
            let mut resolver = InputResolver::new(state, command);
            resolver.pinned_amount = Some(stored.transaction.amount);
            let resolved = resolver.resolve(&input, Some(stored.transaction.transaction_type))?;
            Ok(ResolvedCommand::Restore(resolved))
        }
        CommandKind::Void { transaction_id, expected_version } => {
            find_transaction(state, household, *transaction_id, *expected_version)?;
            Ok(ResolvedCommand::NoAmountChange)
        }
        CommandKind::OpenAccount { .. } | CommandKind::ChangeAccount { .. } => {
            Ok(ResolvedCommand::NoAmountChange)
        }
    }
}

/// Finds the posted transaction of a command.
pub(super) fn find_posted(
    state: &BatchState,
    household_id: Uuid,
    transaction_id: Uuid,
    expected_version: Option<i64>,
) -> Result<&StoredTransaction, Rejection> {
    let stored = find_transaction(state, household_id, transaction_id, expected_version)?;
    match stored.transaction.status {
        TransactionStatus::Posted => Ok(stored),
        TransactionStatus::Voided => Err(Rejection::Voided),
    }
}

/// Finds the transaction of a command, posted or voided.
pub(super) fn find_transaction(
    state: &BatchState,
    household_id: Uuid,
    transaction_id: Uuid,
    expected_version: Option<i64>,
) -> Result<&StoredTransaction, Rejection> {
    let stored =
        state.transactions.get(&(household_id, transaction_id)).ok_or(Rejection::NotFound("transaction"))?;
    if expected_version.is_some_and(|version| version != stored.transaction.version) {
        return Err(Rejection::VersionMismatch);
    }
    Ok(stored)
}

/// Lists the (currency, day) pairs whose newest quotes the plan needs.
pub fn rates_needed<'a>(
    state: &BatchState,
    commands: impl Iterator<Item = (&'a Command, &'a ResolvedCommand)>,
) -> BTreeSet<(Currency, NaiveDate)> {
    let mut needed = BTreeSet::new();
    for (command, resolved) in commands {
        let household = command.household.currency;
        let mut add = |currencies: &[Currency], day: NaiveDate| {
            if currencies.iter().any(|currency| *currency != household) {
                needed.extend(currencies.iter().map(|currency| (*currency, day)));
                needed.insert((household, day));
            }
        };
        match resolved {
            ResolvedCommand::Create(resolved)
            | ResolvedCommand::Edit(resolved)
            | ResolvedCommand::Restore(resolved) => {
                let mut currencies = vec![resolved.account_currency, resolved.amount.currency()];
                currencies.extend(resolved.to_currency);
                add(&currencies, resolved.date);
            }
            ResolvedCommand::NoAmountChange => match &command.kind {
                CommandKind::OpenAccount { input, .. } => {
                    let currency = input.currency_code.as_deref().and_then(Currency::from_code);
                    add(&currency.into_iter().collect::<Vec<_>>(), command.today());
                }
                CommandKind::ChangeAccount { account_id, .. } => {
                    let account = state.account(command.household.id, *account_id);
                    add(&account.map(Account::currency).into_iter().collect::<Vec<_>>(), command.today());
                }
                CommandKind::Create(_)
                | CommandKind::Edit { .. }
                | CommandKind::Void { .. }
                | CommandKind::Restore { .. } => {}
            },
        }
    }
    needed
}

struct InputResolver<'a> {
    state: &'a BatchState,
    command: &'a Command,
    /// The stored amount, if the command does not change it.
    pinned_amount: Option<Money>,
    violations: Vec<FieldViolation>,
}

impl<'a> InputResolver<'a> {
    fn new(state: &'a BatchState, command: &'a Command) -> Self {
        Self { state, command, pinned_amount: None, violations: Vec::new() }
    }

    fn reject(&mut self, field: &str, reason: &'static str, description: &str) {
        self.violations.push(FieldViolation::new(field, reason, description));
    }

    /// Validates `input`; `current_type` is the type of the stored transaction.
    fn resolve(
        mut self,
        input: &TransactionInput,
        current_type: Option<TransactionType>,
    ) -> Result<ResolvedTransaction, Rejection> {
        let transaction_type = self.transaction_type(&input.transaction_type, current_type);
        let account = self.account("account_id", Some(&input.account_id));
        let is_transfer = transaction_type == Some(TransactionType::Transfer);
        let to_account = match (&input.to_account_id, is_transfer) {
            (to, true) => self.account("to_account_id", to.as_deref()),
            (Some(_), false) if transaction_type.is_some() => {
                self.reject("to_account_id", "CONFLICTING", "The field is only for transfers. Omit it.");
                None
            }
            (_, false) => None,
        };
        if let (Some(from), Some(to)) = (account, to_account)
            && from.id == to.id
        {
            self.reject(
                "to_account_id",
                "SAME_ACCOUNT",
                "The two accounts of a transfer must differ. Send another one.",
            );
        }
        let category =
            input.category_id.as_deref().and_then(|id| self.category("category_id", id, transaction_type));
        let amount = self.amount(input, transaction_type, account);
        let splits = self.splits(input, transaction_type, amount);
        let to_amount =
            self.resolve_to_amount(input.to_amount.as_deref(), transaction_type, account, to_account);
        let texts = self.texts(input);
        let date = match input.transaction_date.as_deref() {
            None => Some(self.command.today()),
            Some(text) => {
                let date =
                    date::parse_or_timestamp(text.trim(), |instant| self.command.household.today(instant));
                if date.is_none() {
                    self.violations.push(date::invalid("transaction_date"));
                }
                date
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
                    texts,
                    date,
                })
            }
            _ => Err(Rejection::Invalid(self.violations)),
        }
    }

    fn transaction_type(
        &mut self,
        text: &str,
        current_type: Option<TransactionType>,
    ) -> Option<TransactionType> {
        let requested = TransactionType::from_text(text);
        let fits = match (requested, current_type) {
            (Some(requested), Some(current_type)) if current_type.is_system() || requested.is_system() => {
                requested == current_type
            }
            (Some(requested), _) => !requested.is_system(),
            (None, _) => false,
        };
        if text.trim().is_empty() {
            self.reject("type", "REQUIRED", "The type must be income, expense or transfer.");
        } else if !fits {
            self.reject("type", "TRANSACTION_TYPE_INVALID", "The type must be income, expense or transfer.");
        }
        requested.filter(|_| fits)
    }

    fn account(&mut self, field: &str, id: Option<&str>) -> Option<&'a Account> {
        let id = id.map(str::trim).unwrap_or_default();
        if id.is_empty() {
            self.reject(field, "REQUIRED", "An account is required. Send its id.");
            return None;
        }
        let household = self.command.household.id;
        let found = Uuid::parse_str(id).ok().and_then(|id| self.state.account(household, id));
        if found.is_none() {
            self.reject(field, "ACCOUNT_NOT_FOUND", "You have no account with this id.");
        }
        found
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
                self.reject(field, "CONFLICTING", text);
                return None;
            }
            Some(TransactionType::Income | TransactionType::Expense) | None => {}
        }
        let household = self.command.household.id;
        let found =
            Uuid::parse_str(id.trim()).ok().and_then(|id| self.state.categories.get(&(household, id)));
        let Some(category) = found.copied() else {
            self.reject(field, "CATEGORY_NOT_FOUND", "You have no category with this id.");
            return None;
        };
        // An income with an expense category is a refund; the reverse has no meaning.
        if transaction_type == Some(TransactionType::Expense)
            && category.category_type == CategoryType::Income
        {
            self.reject(
                field,
                "CATEGORY_TYPE_MISMATCH",
                "The category must be of type expense. Choose another one.",
            );
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
            self.reject(
                "splits",
                "CONFLICTING",
                "A category and splits are mutually exclusive. Omit one of them.",
            );
        }
        if splits.len() > MAX_SPLITS {
            self.reject("splits", "TOO_MANY_ITEMS", "A transaction must have at most 50 splits.");
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
            self.reject("splits", "SPLITS_SUM_MISMATCH", &text);
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
                if found.is_none() {
                    let text = "The currency must be in use. Send a code from GET /api/v1/currencies.";
                    self.reject("currency_code", "CURRENCY_INVALID", text);
                }
                found
            }
        };
        if input.amount.is_empty() {
            self.reject("amount", "REQUIRED", "An amount is required. Send one such as 12.50.");
            return None;
        }
        let is_system = transaction_type.is_some_and(TransactionType::is_system);
        if let (true, Some(currency), Some(account)) = (is_system, currency, account)
            && currency != account.currency()
        {
            self.reject(
                "currency_code",
                "CURRENCY_IMMUTABLE",
                "The currency must be that of the account. Omit it.",
            );
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
                self.reject("to_amount", "CONFLICTING", "The field is only for transfers. Omit it.");
            }
            return None;
        };
        let same = from.currency() == to.currency();
        match text {
            None if same => None,
            None => {
                self.reject(
                    "to_amount",
                    "REQUIRED",
                    "The accounts have different currencies. Send the amount that arrives.",
                );
                None
            }
            Some(_) if same => {
                self.reject(
                    "to_amount",
                    "CONFLICTING",
                    "The field is only for accounts with different currencies. Omit it.",
                );
                None
            }
            Some(text) => {
                let read = Amount::parse(text).and_then(|amount| amount.positive(to.currency()));
                read.map_err(|error| self.violations.push(error.violation("to_amount"))).ok()
            }
        }
    }

    fn texts(&mut self, input: &TransactionInput) -> Texts {
        let violations = &mut self.violations;
        let description = text::optional_line(
            "description",
            input.description.as_deref(),
            MAX_DESCRIPTION_CHARS,
            violations,
        );
        let reference_number = text::optional_line(
            "reference_number",
            input.reference_number.as_deref(),
            MAX_REFERENCE_CHARS,
            violations,
        );
        let notes = text::optional_lines("notes", input.notes.as_deref(), MAX_NOTES_CHARS, violations);
        let mut tags: Vec<String> = Vec::new();
        if input.tags.len() > MAX_TAGS {
            violations.push(FieldViolation::new(
                "tags",
                "TOO_MANY_ITEMS",
                "A transaction must have at most 20 tags.",
            ));
        }
        for (index, tag) in input.tags.iter().take(MAX_TAGS).enumerate() {
            let tag = text::line(&format!("tags[{index}]"), tag, MAX_TAG_CHARS, violations);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Texts { description, reference_number, notes, tags }
    }
}
