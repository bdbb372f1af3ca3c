//! From a command's words to the terms of a transaction, every refusal at once.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use fintrac_kit::error::Violation;
use fintrac_kit::{day, text};
use fintrac_money::{Amount, AmountError, Currency, Money};
use uuid::Uuid;

use super::book::{Book, Standing};
use super::rejection::Rejection;
use super::{Command, Order};
use crate::domain::account::Account;
use crate::domain::category::CategoryType;
use crate::domain::transaction::{
    LONGEST_TAG, SplitInput, Status, Texts, TransactionChanges, TransactionInput, TransactionType,
};

const LONGEST_DESCRIPTION: usize = 500;
const LONGEST_REFERENCE: usize = 100;
const LONGEST_NOTES: usize = 4000;
const MOST_TAGS: usize = 20;
const MOST_SPLITS: usize = 50;

/// A live category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    pub id: Uuid,
    pub category_type: CategoryType,
}

/// A part of the amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitTerms {
    pub category: Category,
    pub amount: Money,
    pub description: Option<String>,
}

/// What a transaction is to be, every word understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub transaction_type: TransactionType,
    pub account_id: Uuid,
    pub account_currency: Currency,
    pub to_account_id: Option<Uuid>,
    pub to_currency: Option<Currency>,
    pub category: Option<Category>,
    /// Instead of a category; they sum to the amount.
    pub splits: Vec<SplitTerms>,
    pub amount: Money,
    pub to_amount: Option<Money>,
    pub texts: Texts,
    pub date: NaiveDate,
}

/// A command with its words understood.
#[derive(Debug)]
pub enum Resolved {
    Create(Terms),
    Edit(Terms),
    Restore(Terms),
    /// Nothing of it is words about money.
    Plain,
}

/// Understands `command` against what stands in `book`.
pub fn resolve(book: &Book, command: &Command) -> Result<Resolved, Rejection> {
    let household = command.household.id;
    match &command.order {
        Order::Create(input) => {
            let is_overtaken = command.occurrence_of.is_some_and(|it| {
                let version = book.recurring.get(&(household, it.recurring_id));
                it.if_version.is_some() && it.if_version != version.copied()
            });
            if is_overtaken {
                return Err(Rejection::VersionMismatch);
            }
            let terms = Reader::new(book, command).terms(input, None)?;
            Ok(Resolved::Create(terms))
        }
        Order::Edit { transaction_id, changes, if_version } => {
            let standing = standing(book, household, *transaction_id, *if_version)?;
            let input = changes.over(&standing.transaction);
            let mut reader = Reader::new(book, command);
            // What is not said again is not judged again.
            let said = changes.amount.is_some() || changes.currency_code.is_some();
            reader.kept = (!said).then_some(standing.transaction.amount);
            let terms = reader.terms(&input, Some(standing.transaction.transaction_type))?;
            Ok(Resolved::Edit(terms))
        }
        Order::Restore { transaction_id, if_version } => {
            let standing = known(book, household, *transaction_id, *if_version)?;
            let mut input = TransactionChanges::default().over(&standing.transaction);
            // A category that was deleted meanwhile does not keep it from coming back.
            let is_live = |id: Uuid| book.categories.contains_key(&(household, id));
            if standing.transaction.category_id.is_some_and(|id| !is_live(id)) {
                input.category_id = None;
            }
            if standing.transaction.splits.iter().any(|split| !is_live(split.category_id)) {
                input.splits.clear();
            }
            let mut reader = Reader::new(book, command);
            reader.kept = Some(standing.transaction.amount);
            let terms = reader.terms(&input, Some(standing.transaction.transaction_type))?;
            Ok(Resolved::Restore(terms))
        }
        Order::Void { transaction_id, if_version } => {
            known(book, household, *transaction_id, *if_version)?;
            Ok(Resolved::Plain)
        }
        Order::OpenAccount { .. } | Order::ChangeAccount { .. } => Ok(Resolved::Plain),
    }
}

/// The posted transaction that a command names.
pub(super) fn standing(
    book: &Book,
    household_id: Uuid,
    transaction_id: Uuid,
    if_version: Option<i64>,
) -> Result<&Standing, Rejection> {
    let standing = known(book, household_id, transaction_id, if_version)?;
    match standing.transaction.status {
        Status::Posted => Ok(standing),
        Status::Voided => Err(Rejection::Voided),
    }
}

/// The transaction that a command names, posted or voided.
pub(super) fn known(
    book: &Book,
    household_id: Uuid,
    transaction_id: Uuid,
    if_version: Option<i64>,
) -> Result<&Standing, Rejection> {
    let known =
        book.transactions.get(&(household_id, transaction_id)).ok_or(Rejection::NotFound("transaction"))?;
    if if_version.is_some_and(|version| version != known.transaction.version) {
        return Err(Rejection::VersionMismatch);
    }
    Ok(known)
}

/// The (currency, day) pairs whose newest quotes the plan needs.
pub fn rates_needed<'a>(
    book: &Book,
    commands: impl Iterator<Item = (&'a Command, &'a Resolved)>,
) -> BTreeSet<(Currency, NaiveDate)> {
    let mut needed = BTreeSet::new();
    for (command, resolved) in commands {
        let household = command.household.currency;
        let mut want = |currencies: &[Currency], day: NaiveDate| {
            if currencies.iter().any(|currency| *currency != household) {
                needed.extend(currencies.iter().map(|currency| (*currency, day)));
                needed.insert((household, day));
            }
        };
        match resolved {
            Resolved::Create(terms) | Resolved::Edit(terms) | Resolved::Restore(terms) => {
                let mut currencies = vec![terms.account_currency, terms.amount.currency()];
                currencies.extend(terms.to_currency);
                want(&currencies, terms.date);
            }
            Resolved::Plain => match &command.order {
                Order::OpenAccount { input, .. } => {
                    let currency = input.currency_code.as_deref().and_then(Currency::from_code);
                    want(&currency.into_iter().collect::<Vec<_>>(), command.today());
                }
                Order::ChangeAccount { account_id, .. } => {
                    let account = book.account(command.household.id, *account_id);
                    want(&account.map(Account::currency).into_iter().collect::<Vec<_>>(), command.today());
                }
                Order::Create(_) | Order::Edit { .. } | Order::Void { .. } | Order::Restore { .. } => {}
            },
        }
    }
    needed
}

struct Reader<'a> {
    book: &'a Book,
    command: &'a Command,
    /// The amount of a transaction whose edit does not name it.
    kept: Option<Money>,
    violations: Vec<Violation>,
}

impl<'a> Reader<'a> {
    fn new(book: &'a Book, command: &'a Command) -> Self {
        Self { book, command, kept: None, violations: Vec::new() }
    }

    fn refuse(&mut self, field: &str, reason: &'static str, description: &str) {
        self.violations.push(Violation::new(field, reason, description));
    }

    /// `standing` is the type of the transaction that is edited.
    fn terms(
        mut self,
        input: &TransactionInput,
        standing: Option<TransactionType>,
    ) -> Result<Terms, Rejection> {
        let transaction_type = self.transaction_type(&input.transaction_type, standing);
        let account = self.account("account_id", Some(&input.account_id));
        let is_transfer = transaction_type == Some(TransactionType::Transfer);
        let to_account = match (&input.to_account_id, is_transfer) {
            (to, true) => self.account("to_account_id", to.as_deref()),
            (Some(_), false) if transaction_type.is_some() => {
                self.refuse("to_account_id", "CONFLICTING", "Only a transfer has this; leave it out.");
                None
            }
            (_, false) => None,
        };
        if let (Some(from), Some(to)) = (account, to_account)
            && from.id == to.id
        {
            self.refuse("to_account_id", "SAME_ACCOUNT", "Send another account than account_id.");
        }
        let category =
            input.category_id.as_deref().and_then(|id| self.category("category_id", id, transaction_type));
        let amount = self.amount(input, transaction_type, account);
        let splits = self.splits(input, transaction_type, amount);
        let to_amount = self.arriving(input.to_amount.as_deref(), transaction_type, account, to_account);
        let texts = self.texts(input);
        let date = match input.transaction_date.as_deref() {
            None => Some(self.command.today()),
            Some(text) => {
                let date = day::parse_or_instant(text.trim(), |at| self.command.household.today(at));
                if date.is_none() {
                    self.violations.push(day::refused("transaction_date"));
                }
                date
            }
        };
        match (transaction_type, account, amount, date) {
            (Some(transaction_type), Some(account), Some(amount), Some(date))
                if self.violations.is_empty() =>
            {
                Ok(Terms {
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

    fn transaction_type(&mut self, text: &str, standing: Option<TransactionType>) -> Option<TransactionType> {
        let wanted = TransactionType::from_text(text);
        let fits = match (wanted, standing) {
            (Some(wanted), Some(standing)) if standing.is_system() || wanted.is_system() => {
                wanted == standing
            }
            (Some(wanted), _) => !wanted.is_system(),
            (None, _) => false,
        };
        if text.trim().is_empty() {
            self.refuse("type", "REQUIRED", "Send income, expense or transfer.");
        } else if !fits {
            self.refuse("type", "TRANSACTION_TYPE_UNKNOWN", "Send income, expense or transfer.");
        }
        wanted.filter(|_| fits)
    }

    fn account(&mut self, field: &str, id: Option<&str>) -> Option<&'a Account> {
        let id = id.map(str::trim).unwrap_or_default();
        if id.is_empty() {
            self.refuse(field, "REQUIRED", "Send the id of an account.");
            return None;
        }
        let household = self.command.household.id;
        let found = Uuid::parse_str(id).ok().and_then(|id| self.book.account(household, id));
        if found.is_none() {
            self.refuse(field, "ACCOUNT_UNKNOWN", "You have no account with this id.");
        }
        found
    }

    fn category(
        &mut self,
        field: &str,
        id: &str,
        transaction_type: Option<TransactionType>,
    ) -> Option<Category> {
        match transaction_type {
            Some(TransactionType::Transfer | TransactionType::Opening | TransactionType::Adjustment) => {
                let text = "Only income and expenses have a category; leave it out.";
                self.refuse(field, "CONFLICTING", text);
                return None;
            }
            Some(TransactionType::Income | TransactionType::Expense) | None => {}
        }
        let household = self.command.household.id;
        let found = Uuid::parse_str(id.trim()).ok().and_then(|id| self.book.categories.get(&(household, id)));
        let Some(category) = found.copied() else {
            self.refuse(field, "CATEGORY_UNKNOWN", "You have no category with this id.");
            return None;
        };
        // An income with an expense category is a refund; the other way round is nothing.
        if transaction_type == Some(TransactionType::Expense)
            && category.category_type == CategoryType::Income
        {
            self.refuse(field, "CATEGORY_TYPE_MISMATCH", "Send a category of type expense.");
        }
        Some(category)
    }

    fn splits(
        &mut self,
        input: &TransactionInput,
        transaction_type: Option<TransactionType>,
        amount: Option<Money>,
    ) -> Vec<SplitTerms> {
        let (splits, taken) = (input.splits.as_slice(), input.category_id.is_some());
        if splits.is_empty() {
            return Vec::new();
        }
        if taken {
            self.refuse("splits", "CONFLICTING", "Send a category or splits, not both.");
        }
        if splits.len() > MOST_SPLITS {
            self.refuse("splits", "TOO_MANY", "Send at most 50 splits.");
            return Vec::new();
        }
        let found: Vec<_> = splits
            .iter()
            .enumerate()
            .filter_map(|(at, split)| self.split(&format!("splits[{at}]"), split, transaction_type, amount))
            .collect();
        let sum = found.iter().try_fold(0_i64, |sum, split| sum.checked_add(split.amount.minor()));
        if let Some(amount) = amount.filter(|_| found.len() == splits.len())
            && sum != Some(amount.minor())
        {
            let text = format!("The splits must sum to the amount, {amount}.");
            self.refuse("splits", "SPLITS_SUM_MISMATCH", &text);
        }
        found
    }

    fn split(
        &mut self,
        field: &str,
        split: &SplitInput,
        transaction_type: Option<TransactionType>,
        amount: Option<Money>,
    ) -> Option<SplitTerms> {
        let at = |name: &str| format!("{field}.{name}");
        let category = self.category(&at("category_id"), &split.category_id, transaction_type);
        let description = text::optional_line(
            &at("description"),
            split.description.as_deref(),
            LONGEST_DESCRIPTION,
            &mut self.violations,
        );
        // Without an amount nobody knows the currency.
        let read = Amount::parse(&split.amount)
            .and_then(|read| amount.map(|amount| read.positive(amount.currency())).transpose());
        match read {
            Ok(part) => Some(SplitTerms { category: category?, amount: part?, description }),
            Err(error) => {
                self.violations.push(error.at(&at("amount")));
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
        let word = match &input.currency_code {
            None => account.map(Account::currency),
            Some(code) => {
                let found = Currency::from_code(code).filter(|currency| {
                    currency.is_active() || account.is_some_and(|account| account.currency() == *currency)
                });
                if found.is_none() {
                    let text = "Not a currency in use; see GET /api/v1/currencies.";
                    self.refuse("currency_code", "CURRENCY_UNKNOWN", text);
                }
                found
            }
        };
        if input.amount.is_empty() {
            self.refuse("amount", "REQUIRED", "Send an amount, such as 12.50.");
            return None;
        }
        let is_system = transaction_type.is_some_and(TransactionType::is_system);
        if let (true, Some(word), Some(account)) = (is_system, word, account)
            && word != account.currency()
        {
            self.refuse("currency_code", "CURRENCY_FIXED", "This transaction is in the account's currency.");
        }
        if self.kept.is_some() {
            return self.kept;
        }
        let read = Amount::parse(&input.amount).and_then(|amount| {
            let Some(word) = word else { return Ok(None) };
            // Without a type nobody knows whether a sign is wrong.
            let signed = is_system || transaction_type.is_none();
            let money = if signed { amount.in_currency(word)? } else { amount.positive(word)? };
            if money.is_zero() { Err(AmountError::NotPositive) } else { Ok(Some(money)) }
        });
        read.unwrap_or_else(|error| {
            self.violations.push(error.at("amount"));
            None
        })
    }

    fn arriving(
        &mut self,
        text: Option<&str>,
        transaction_type: Option<TransactionType>,
        account: Option<&Account>,
        to_account: Option<&Account>,
    ) -> Option<Money> {
        let (Some(from), Some(to)) = (account, to_account) else {
            if text.is_some() && transaction_type.is_some_and(|it| it != TransactionType::Transfer) {
                self.refuse("to_amount", "CONFLICTING", "Only a transfer has this; leave it out.");
            }
            return None;
        };
        let same = from.currency() == to.currency();
        match text {
            None if same => None,
            None => {
                self.refuse("to_amount", "REQUIRED", "The accounts' currencies differ; send what arrives.");
                None
            }
            Some(_) if same => {
                self.refuse("to_amount", "CONFLICTING", "Both accounts have one currency; leave it out.");
                None
            }
            Some(text) => {
                let read = Amount::parse(text).and_then(|amount| amount.positive(to.currency()));
                read.map_err(|error| self.violations.push(error.at("to_amount"))).ok()
            }
        }
    }

    fn texts(&mut self, input: &TransactionInput) -> Texts {
        let violations = &mut self.violations;
        let description =
            text::optional_line("description", input.description.as_deref(), LONGEST_DESCRIPTION, violations);
        let reference_number = text::optional_line(
            "reference_number",
            input.reference_number.as_deref(),
            LONGEST_REFERENCE,
            violations,
        );
        let notes = text::optional_lines("notes", input.notes.as_deref(), LONGEST_NOTES, violations);
        let mut tags: Vec<String> = Vec::new();
        if input.tags.len() > MOST_TAGS {
            violations.push(Violation::new("tags", "TOO_MANY", "Send at most 20 tags."));
        }
        for (index, tag) in input.tags.iter().take(MOST_TAGS).enumerate() {
            let tag = text::line(&format!("tags[{index}]"), tag, LONGEST_TAG, violations);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Texts { description, reference_number, notes, tags }
    }
}
