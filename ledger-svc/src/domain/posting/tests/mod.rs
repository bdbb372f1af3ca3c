//! Tests of planning without a database, on a world of five accounts.
//!
//! `properties` checks invariants under random commands, `rules` single rules.

mod properties;
mod rules;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta};
use fintrac_money::{Currency, Household, Money};
use proptest::prelude::*;
use uuid::Uuid;

use super::effects::{AccountEffect, BalanceDeltas, DailyDelta, Effects, Outcome};
use super::signed_posting::Posting;
use super::{
    BatchState, Command, CommandKind, FutureChange, Rejection, StoredTransaction, plan, rates_needed, resolve,
};
use crate::domain::account::{Account, AccountChanges, AccountInput, AccountType};
use crate::domain::category::{CategoryRef, CategoryType};
use crate::domain::details::TransactionDetails;
use crate::domain::rate::{Quote, Quotes, Rate, Source};
use crate::domain::transaction::{
    SplitInput, Transaction, TransactionChanges, TransactionInput, TransactionStatus,
};

const HOUSEHOLD: Uuid = Uuid::from_u128(1);
const ACCOUNTS: [(u128, &str); 5] = [(11, "EUR"), (12, "EUR"), (13, "USD"), (14, "JPY"), (15, "KWD")];
const INCOME: Uuid = Uuid::from_u128(21);
const EXPENSE: Uuid = Uuid::from_u128(22);
const OTHER_EXPENSE: Uuid = Uuid::from_u128(23);

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect(code)
}

fn category(id: Uuid, category_type: CategoryType) -> ((Uuid, Uuid), CategoryRef) {
    ((HOUSEHOLD, id), CategoryRef { id, category_type })
}

fn household() -> Household {
    Household { id: HOUSEHOLD, currency: currency("EUR"), timezone: chrono_tz::UTC }
}

/// A batch state with all postings that were ever made in it.
struct TestLedger {
    state: BatchState,
    posted: Vec<(Uuid, i64, Posting)>,
    deltas: BalanceDeltas,
    transactions: Vec<Uuid>,
    next: u128,
}

impl TestLedger {
    fn new() -> Self {
        let mut state = BatchState::default();
        for (id, code) in ACCOUNTS {
            let account = Account {
                id: Uuid::from_u128(id),
                name: format!("Account {id}"),
                account_type: AccountType::Bank,
                description: None,
                include_in_net_worth: true,
                is_active: true,
                projected_balance: Money::zero(currency(code)),
                version: 1,
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
                deleted_at: None,
            };
            state.accounts.insert((HOUSEHOLD, account.id), account);
        }
        state.categories = HashMap::from([
            category(INCOME, CategoryType::Income),
            category(EXPENSE, CategoryType::Expense),
            category(OTHER_EXPENSE, CategoryType::Expense),
        ]);
        Self {
            state,
            posted: Vec::new(),
            deltas: BalanceDeltas::default(),
            transactions: Vec::new(),
            next: 1000,
        }
    }

    fn command(&mut self, kind: CommandKind) -> Command {
        self.next += 1;
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Command::new(household(), kind, Uuid::from_u128(self.next), now)
    }

    fn execute(&mut self, kind: CommandKind) -> Result<(Effects, Outcome), Rejection> {
        let command = self.command(kind);
        if let Some(id) = command.balance_account() {
            let today = command.today();
            let later =
                self.posted.iter().filter(|(_, _, posting)| posting.account_id == id && posting.day > today);
            let change = later.map(|(_, _, posting)| posting.amount.minor()).sum();
            self.state.future_changes.insert((HOUSEHOLD, id), FutureChange { today, change });
        }
        let resolved = resolve(&self.state, &command)?;
        let needed = rates_needed(&self.state, std::iter::once((&command, resolved.as_ref())));
        let (effects, outcome) = plan(&mut self.state, &command, resolved.as_ref(), &quotes(needed))?;
        self.store(&effects);
        Ok((effects, outcome))
    }

    /// Executes a command that results in a transaction.
    fn transaction(&mut self, kind: CommandKind) -> Transaction {
        match self.execute(kind) {
            Ok((_, Outcome::Transaction(transaction))) => *transaction,
            other => panic!("no transaction: {other:?}"),
        }
    }

    fn create(&mut self, input: TransactionInput) -> Transaction {
        self.transaction(CommandKind::Create(input))
    }

    /// Stores effects as the database would.
    fn store(&mut self, effects: &Effects) {
        let Some(effect) = &effects.transaction else { return };
        let transaction = effect.transaction.clone();
        let key = (HOUSEHOLD, transaction.id);
        for posting in &effect.postings {
            self.posted.push((transaction.id, effect.revision.revision, posting.clone()));
        }
        self.deltas.add(HOUSEHOLD, &effect.postings).expect("small sums");
        if effect.is_new {
            self.transactions.push(transaction.id);
        }
        let current = effect.postings.iter().filter(|posting| !posting.is_reversal).cloned().collect();
        let before = self.state.transactions.remove(&key).map(|before| before.postings).unwrap_or_default();
        let moved = transaction.posted_revision == Some(effect.revision.revision);
        let postings = if moved { current } else { before };
        self.state.transactions.insert(key, StoredTransaction { transaction, postings });
    }

    fn balances(&self) -> BTreeMap<Uuid, i64> {
        self.state.accounts.values().map(|account| (account.id, account.projected_balance.minor())).collect()
    }

    fn check(&self) {
        let mut sums: BTreeMap<(Uuid, i64, Currency), i64> = BTreeMap::new();
        let mut accounts: BTreeMap<Uuid, i64> = BTreeMap::new();
        let mut days: BTreeMap<(Uuid, Uuid, NaiveDate), DailyDelta> = BTreeMap::new();
        let mut exchanged: BTreeMap<(Uuid, i64, bool), i64> = BTreeMap::new();
        for (transaction, revision, posting) in &self.posted {
            *sums.entry((*transaction, *revision, posting.amount.currency())).or_default() +=
                posting.amount.minor();
            if posting.is_own {
                *accounts.entry(posting.account_id).or_default() += posting.amount.minor();
            }
            let day = days.entry((HOUSEHOLD, posting.account_id, posting.day)).or_default();
            let value = posting.household.expect("every rate is known").amount.minor();
            day.change += posting.amount.minor();
            day.household += value;
            *exchanged.entry((*transaction, *revision, posting.is_reversal)).or_default() += value;
        }
        assert!(
            exchanged.values().all(|sum| sum.abs() <= 1),
            "household values cancel up to one cent of a transfer"
        );
        assert!(sums.values().all(|sum| *sum == 0), "every revision sums to zero per currency: {sums:?}");
        for (account, balance) in self.balances() {
            assert_eq!(balance, accounts.get(&account).copied().unwrap_or_default(), "balance = postings");
        }
        assert_eq!(days, self.deltas.days, "days = postings");
        for id in &self.transactions {
            let stored = &self.state.transactions[&(HOUSEHOLD, *id)];
            let total = |account: Uuid| -> i64 {
                let postings = self.posted.iter().filter(|(transaction_id, _, posting)| {
                    transaction_id == id && posting.account_id == account
                });
                postings.map(|(_, _, posting)| posting.amount.minor()).sum()
            };
            let transaction = &stored.transaction;
            let is_posted = transaction.status == TransactionStatus::Posted;
            assert_eq!(
                total(transaction.account_id),
                if is_posted { transaction.account_change.minor() } else { 0 }
            );
        }
    }
}

/// Changes one field of a transaction.
pub fn transaction_change(field: &str, set: impl FnOnce(&mut TransactionInput)) -> TransactionChanges {
    let mut input = TransactionInput::default();
    set(&mut input);
    TransactionChanges::new([field], input)
}

/// Changes one field of an account.
pub fn account_change(field: &str, set: impl FnOnce(&mut AccountInput)) -> AccountChanges {
    let mut input = AccountInput::default();
    set(&mut input);
    AccountChanges::new([field], input)
}

/// Generates a different rate for each day.
fn quotes(needed: impl IntoIterator<Item = (Currency, NaiveDate)>) -> Quotes {
    let mut quotes = Quotes::default();
    for (currency_, day) in needed {
        let value = match currency_.code() {
            "EUR" => continue,
            "USD" => 11_172,
            "JPY" => 1_756_800,
            _ => 3_431,
        };
        let value = rust_decimal::Decimal::new(value + i64::from(chrono::Datelike::day(&day)), 4);
        let rate = Rate { value, day, source: Source::Ecb };
        quotes.add(currency_, Quote { base: currency("EUR"), rate });
    }
    quotes
}
