//! Planning without a database: a world of five accounts, what holds whatever
//! people do in it, and the rules one by one.

mod properties;
mod rules;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta};
use fintrac_money::{Currency, Household, Money};
use proptest::prelude::*;
use uuid::Uuid;

use super::effects::{AccountEffect, DayMove, Effects, Moves, Outcome};
use super::legs::Leg;
use super::{Book, BookedLater, Category, Command, Order, Rejection, Standing, plan, rates_needed, resolve};
use crate::domain::account::{Account, AccountChanges, AccountType};
use crate::domain::category::CategoryType;
use crate::domain::rate::{Quote, Quotes, Rate, Source};
use crate::domain::transaction::{SplitInput, Status, TransactionChanges, TransactionInput};

const HOUSEHOLD: Uuid = Uuid::from_u128(1);
const ACCOUNTS: [(u128, &str); 5] = [(11, "EUR"), (12, "EUR"), (13, "USD"), (14, "JPY"), (15, "KWD")];
const INCOME: Uuid = Uuid::from_u128(21);
const EXPENSE: Uuid = Uuid::from_u128(22);
const OTHER_EXPENSE: Uuid = Uuid::from_u128(23);

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect(code)
}

fn category(id: Uuid, category_type: CategoryType) -> ((Uuid, Uuid), Category) {
    ((HOUSEHOLD, id), Category { id, category_type })
}

fn household() -> Household {
    Household { id: HOUSEHOLD, currency: currency("EUR"), timezone: chrono_tz::UTC }
}

/// The world, and everything that was ever posted in it.
struct World {
    book: Book,
    posted: Vec<(Uuid, i64, Leg)>,
    moves: Moves,
    transactions: Vec<Uuid>,
    next: u128,
}

impl World {
    fn new() -> Self {
        let mut book = Book::default();
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
            book.accounts.insert((HOUSEHOLD, account.id), account);
        }
        book.categories = HashMap::from([
            category(INCOME, CategoryType::Income),
            category(EXPENSE, CategoryType::Expense),
            category(OTHER_EXPENSE, CategoryType::Expense),
        ]);
        Self { book, posted: Vec::new(), moves: Moves::default(), transactions: Vec::new(), next: 1000 }
    }

    fn command(&mut self, order: Order) -> Command {
        self.next += 1;
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Command::new(household(), order, Uuid::from_u128(self.next), now)
    }

    fn carry_out(&mut self, order: Order) -> Result<(Effects, Outcome), Rejection> {
        let command = self.command(order);
        if let Some(id) = command.tells_balance_of() {
            let today = command.today();
            let later = self.posted.iter().filter(|(_, _, leg)| leg.account_id == id && leg.day > today);
            let change = later.map(|(_, _, leg)| leg.amount.minor()).sum();
            self.book.booked_later.insert((HOUSEHOLD, id), BookedLater { today, change });
        }
        let resolved = resolve(&self.book, &command)?;
        let needed = rates_needed(&self.book, std::iter::once((&command, &resolved)));
        let (effects, outcome) = plan(&mut self.book, &command, &resolved, &quotes(needed))?;
        self.keep(&effects);
        Ok((effects, outcome))
    }

    /// What the database would hold afterwards.
    fn keep(&mut self, effects: &Effects) {
        let Some(effect) = &effects.transaction else { return };
        let transaction = effect.transaction.clone();
        let key = (HOUSEHOLD, transaction.id);
        for leg in &effect.legs {
            self.posted.push((transaction.id, effect.revision.revision, leg.clone()));
        }
        self.moves.add(HOUSEHOLD, &effect.legs).expect("small sums");
        if effect.is_new {
            self.transactions.push(transaction.id);
        }
        let standing = effect.legs.iter().filter(|leg| !leg.is_reversal).cloned().collect();
        let before = self.book.transactions.remove(&key).map(|before| before.legs).unwrap_or_default();
        let moved = transaction.posted_revision == Some(effect.revision.revision);
        let legs = if moved { standing } else { before };
        self.book.transactions.insert(key, Standing { transaction, legs });
    }

    fn balances(&self) -> BTreeMap<Uuid, i64> {
        self.book.accounts.values().map(|account| (account.id, account.projected_balance.minor())).collect()
    }

    fn check(&self) {
        let mut sums: BTreeMap<(Uuid, i64, Currency), i64> = BTreeMap::new();
        let mut accounts: BTreeMap<Uuid, i64> = BTreeMap::new();
        let mut days: BTreeMap<(Uuid, Uuid, NaiveDate), DayMove> = BTreeMap::new();
        let mut exchanged: BTreeMap<(Uuid, i64, bool), i64> = BTreeMap::new();
        for (transaction, revision, leg) in &self.posted {
            *sums.entry((*transaction, *revision, leg.amount.currency())).or_default() += leg.amount.minor();
            if leg.is_own {
                *accounts.entry(leg.account_id).or_default() += leg.amount.minor();
            }
            let day = days.entry((HOUSEHOLD, leg.account_id, leg.day)).or_default();
            let value = leg.household.expect("every rate is known").amount.minor();
            day.change += leg.amount.minor();
            day.household += value;
            *exchanged.entry((*transaction, *revision, leg.is_reversal)).or_default() += value;
        }
        assert!(
            exchanged.values().all(|sum| sum.abs() <= 1),
            "household values cancel, but for a transfer's cent"
        );
        assert!(sums.values().all(|sum| *sum == 0), "every revision sums to zero per currency: {sums:?}");
        for (account, balance) in self.balances() {
            assert_eq!(balance, accounts.get(&account).copied().unwrap_or_default(), "balance = postings");
        }
        assert_eq!(days, self.moves.days, "days = postings");
        for id in &self.transactions {
            let standing = &self.book.transactions[&(HOUSEHOLD, *id)];
            let of = |account: Uuid| -> i64 {
                let legs = self.posted.iter().filter(|(it, _, leg)| it == id && leg.account_id == account);
                legs.map(|(_, _, leg)| leg.amount.minor()).sum()
            };
            let said = &standing.transaction;
            let stands = said.status == Status::Posted;
            assert_eq!(of(said.account_id), if stands { said.account_change.minor() } else { 0 });
        }
    }
}

/// Made-up rates: each day its own.
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
