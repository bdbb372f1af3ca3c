//! Properties of planning: whatever people do, the ledger adds up.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::effects::{AccountEffect, Effects, Moves, Outcome};
use super::legs::Leg;
use super::{Book, Command, Order, Rejection, Standing, plan, rates_needed, resolve};
use crate::domain::account::{Account, AccountChanges, AccountType};
use crate::domain::category::CategoryType;
use crate::domain::currency::Currency;
use crate::domain::household::Household;
use crate::domain::money::Money;
use crate::domain::rate::{Quote, Quotes, Rate, Source};
use crate::domain::transaction::{Status, TransactionChanges, TransactionInput};

const HOUSEHOLD: Uuid = Uuid::from_u128(1);
const ACCOUNTS: [(u128, &str); 5] = [(11, "EUR"), (12, "EUR"), (13, "USD"), (14, "JPY"), (15, "KWD")];
const INCOME: Uuid = Uuid::from_u128(21);
const EXPENSE: Uuid = Uuid::from_u128(22);

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect(code)
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
                balance: Money::zero(currency(code)),
                version: 1,
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
                deleted_at: None,
            };
            book.accounts.insert((HOUSEHOLD, account.id), account);
        }
        book.categories = HashMap::from([
            ((HOUSEHOLD, INCOME), CategoryType::Income),
            ((HOUSEHOLD, EXPENSE), CategoryType::Expense),
        ]);
        Self { book, posted: Vec::new(), moves: Moves::default(), transactions: Vec::new(), next: 1000 }
    }

    fn command(&mut self, order: Order) -> Command {
        self.next += 1;
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Command { household: household(), order, transaction_id: Uuid::from_u128(self.next), now }
    }

    fn carry_out(&mut self, order: Order) -> Result<(Effects, Outcome), Rejection> {
        let command = self.command(order);
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
        self.book.accounts.values().map(|account| (account.id, account.balance.minor())).collect()
    }

    fn check(&self) {
        let mut sums: BTreeMap<(Uuid, i64, Currency), i64> = BTreeMap::new();
        let mut accounts: BTreeMap<Uuid, i64> = BTreeMap::new();
        let mut days: BTreeMap<(Uuid, Uuid, NaiveDate), (i64, i64)> = BTreeMap::new();
        for (transaction, revision, leg) in &self.posted {
            *sums.entry((*transaction, *revision, leg.amount.currency())).or_default() += leg.amount.minor();
            if leg.is_own {
                *accounts.entry(leg.account_id).or_default() += leg.amount.minor();
            }
            let day = days.entry((HOUSEHOLD, leg.account_id, leg.day)).or_default();
            day.0 += leg.amount.minor();
            day.1 += leg.household.expect("every rate is known").amount.minor();
        }
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
        quotes.add(currency_, day, Quote { base: currency("EUR"), rate });
    }
    quotes
}

/// Something a person might do; indexes are taken modulo what is there.
#[derive(Debug, Clone)]
enum Act {
    Create(TransactionInput),
    Edit(usize, TransactionChanges),
    Void(usize),
    SetBalance(usize, i64),
    Archive(usize, bool),
}

fn account() -> impl Strategy<Value = String> {
    (0..ACCOUNTS.len()).prop_map(|at| Uuid::from_u128(ACCOUNTS[at].0).to_string())
}

fn amount() -> impl Strategy<Value = String> {
    // Whole numbers are amounts in every currency; some have too many decimals.
    prop_oneof![4 => (1..1_000_000_u32).prop_map(|n| n.to_string()), 1 => (1..1_000_000_u32).prop_map(|n| format!("{n}.25"))]
}

fn day() -> impl Strategy<Value = String> {
    (1..28_u32).prop_map(|day| format!("2024-02-{day:02}"))
}

fn input() -> impl Strategy<Value = TransactionInput> {
    let kind = prop_oneof![Just("income"), Just("expense"), Just("transfer")];
    let category = prop_oneof![Just(None), Just(Some(INCOME)), Just(Some(EXPENSE))];
    let word = prop_oneof![3 => Just(None), 1 => Just(Some("USD")), 1 => Just(Some("EUR"))];
    (kind, account(), amount(), account(), amount(), category, word, day()).prop_map(
        |(kind, account_id, amount, to, to_amount, category, word, day)| {
            let is_transfer = kind == "transfer";
            let code = |id: &str| {
                ACCOUNTS.iter().find(|(it, _)| Uuid::from_u128(*it).to_string() == id).map(|it| it.1)
            };
            let crosses = is_transfer && code(&account_id) != code(&to);
            TransactionInput {
                account_id,
                transaction_type: kind.to_owned(),
                amount,
                currency_code: word.map(str::to_owned),
                category_id: category.filter(|_| !is_transfer).map(|id| id.to_string()),
                to_account_id: is_transfer.then_some(to),
                to_amount: crosses.then_some(to_amount),
                transaction_date: Some(day),
                ..TransactionInput::default()
            }
        },
    )
}

fn changes() -> impl Strategy<Value = TransactionChanges> {
    use proptest::option::weighted as maybe;

    (maybe(0.5, amount()), maybe(0.3, day()), maybe(0.3, account()), maybe(0.3, Just("words".to_owned())))
        .prop_map(|(amount, transaction_date, account_id, description)| TransactionChanges {
            amount,
            transaction_date,
            account_id,
            description: description.map(Some),
            ..TransactionChanges::default()
        })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => input().prop_map(Act::Create),
        3 => (any::<usize>(), changes()).prop_map(|(at, changes)| Act::Edit(at, changes)),
        2 => any::<usize>().prop_map(Act::Void),
        1 => (any::<usize>(), -1_000_000..1_000_000_i64).prop_map(|(at, balance)| Act::SetBalance(at, balance)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, active)| Act::Archive(at, active)),
    ]
}

fn order(world: &World, act: Act) -> Option<Order> {
    let at = |at: usize| {
        (!world.transactions.is_empty()).then(|| world.transactions[at % world.transactions.len()])
    };
    let account = |at: usize| Uuid::from_u128(ACCOUNTS[at % ACCOUNTS.len()].0);
    let change = |at, changes| Order::ChangeAccount { account_id: account(at), changes, if_version: None };
    Some(match act {
        Act::Create(input) => Order::Create(input),
        Act::Edit(index, changes) => Order::Edit { transaction_id: at(index)?, changes, if_version: None },
        Act::Void(index) => Order::Void { transaction_id: at(index)?, if_version: None },
        Act::SetBalance(index, balance) => {
            change(index, AccountChanges { balance: Some(balance.to_string()), ..AccountChanges::default() })
        }
        Act::Archive(index, active) => {
            change(index, AccountChanges { is_active: Some(active), ..AccountChanges::default() })
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_people_do_the_ledger_adds_up(acts in proptest::collection::vec(act(), 1..40)) {
        let mut world = World::new();
        for act in acts {
            let Some(order) = order(&world, act) else { continue };
            let before = (world.balances(), world.posted.len());
            if world.carry_out(order).is_err() {
                prop_assert_eq!(before, (world.balances(), world.posted.len()), "a refusal leaves no trace");
            }
            world.check();
        }
    }

    #[test]
    fn an_edit_and_its_undoing_are_the_identity(first in input(), changes in changes()) {
        let mut world = World::new();
        let Ok((_, Outcome::Transaction(made))) = world.carry_out(Order::Create(first.clone())) else { return Ok(()) };
        let moves_before: BTreeMap<_, _> = world.moves.days.clone();
        let balances = world.balances();
        let edit = |changes| Order::Edit { transaction_id: made.id, changes, if_version: None };
        if world.carry_out(edit(changes)).is_err() {
            return Ok(());
        }
        let back = TransactionChanges {
            account_id: Some(made.account_id.to_string()),
            amount: Some(made.amount.to_string()),
            transaction_date: Some(made.date.to_string()),
            description: Some(None),
            ..TransactionChanges::default()
        };
        world.carry_out(edit(back)).expect("the way back is open");
        prop_assert_eq!(world.balances(), balances);
        let days: BTreeMap<_, _> = world.moves.days.clone().into_iter().filter(|(_, sums)| *sums != (0, 0)).collect();
        let before: BTreeMap<_, _> = moves_before.into_iter().filter(|(_, sums)| *sums != (0, 0)).collect();
        prop_assert_eq!(days, before, "totals, native and in the household's currency");
        world.check();
        world.carry_out(Order::Void { transaction_id: made.id, if_version: None }).expect("voided");
        prop_assert!(world.moves.days.values().all(|sums| *sums == (0, 0)), "nothing is left after voiding");
        prop_assert!(world.balances().values().all(|balance| *balance == 0));
    }

    #[test]
    fn the_order_of_independent_commands_does_not_matter(
        inputs in proptest::collection::vec(input(), 1..20),
        seed in any::<u64>(),
    ) {
        let plan_all = |order: &[usize]| {
            let mut world = World::new();
            let commands: Vec<_> = inputs.iter().map(|input| world.command(Order::Create(input.clone()))).collect();
            let mut outcomes = BTreeMap::new();
            for at in order {
                let command = &commands[*at];
                let planned = resolve(&world.book, command).and_then(|resolved| {
                    let needed = rates_needed(&world.book, std::iter::once((command, &resolved)));
                    plan(&mut world.book, command, &resolved, &quotes(needed))
                });
                if let Ok((effects, _)) = &planned {
                    world.keep(effects);
                }
                outcomes.insert(*at, planned.map(|(effects, outcome)| (effects.transaction, outcome)));
            }
            (outcomes, world.balances(), world.moves)
        };
        let forward: Vec<_> = (0..inputs.len()).collect();
        let mut shuffled = forward.clone();
        shuffled.sort_by_key(|at| seed.rotate_left(u32::try_from(*at).expect("few") * 7) ^ (*at as u64));
        prop_assert_eq!(plan_all(&forward), plan_all(&shuffled));
    }
}

fn expense(account: u128, amount: &str) -> TransactionInput {
    TransactionInput {
        account_id: Uuid::from_u128(account).to_string(),
        transaction_type: "expense".into(),
        amount: amount.into(),
        transaction_date: Some("2024-02-01".into()),
        ..TransactionInput::default()
    }
}

fn changed(changes: TransactionChanges, transaction_id: Uuid) -> Order {
    Order::Edit { transaction_id, changes, if_version: None }
}

#[test]
fn an_edit_of_words_posts_nothing_and_one_of_nothing_is_no_revision() {
    let mut world = World::new();
    let (_, made) = world.carry_out(Order::Create(expense(11, "10"))).expect("posted");
    let Outcome::Transaction(made) = made else { panic!("a transaction") };
    let words =
        TransactionChanges { description: Some(Some("Lunch".into())), ..TransactionChanges::default() };
    let (effects, _) = world.carry_out(changed(words.clone(), made.id)).expect("edited");
    let effect = effects.transaction.expect("a revision");
    assert!(effect.legs.is_empty() && effect.revision.revision == 2);
    assert_eq!(effect.transaction.posted_revision, Some(1), "the first legs still stand");
    let (effects, _) = world.carry_out(changed(words, made.id)).expect("nothing to do");
    assert!(effects.transaction.is_none() && effects.events.is_empty());
}

#[test]
fn an_edit_keeps_its_rate_unless_currency_or_date_change() {
    let mut world = World::new();
    let input = TransactionInput { currency_code: Some("JPY".into()), ..expense(13, "1000") };
    let (_, made) = world.carry_out(Order::Create(input)).expect("posted");
    let Outcome::Transaction(made) = made else { panic!("a transaction") };
    let rate = made.rate.expect("converted");
    let edit = |world: &mut World, changes| {
        // The day's rate has moved meanwhile.
        let command = world.command(changed(changes, made.id));
        let resolved = resolve(&world.book, &command).expect("resolved");
        let mut quotes = Quotes::default();
        for (currency_, day) in rates_needed(&world.book, std::iter::once((&command, &resolved))) {
            let rate = Rate { value: rust_decimal::Decimal::from(2), day, source: Source::Manual };
            quotes.add(currency_, day, Quote { base: currency("EUR"), rate });
        }
        let (effects, outcome) = plan(&mut world.book, &command, &resolved, &quotes).expect("planned");
        world.keep(&effects);
        match outcome {
            Outcome::Transaction(it) => it.rate.expect("converted"),
            Outcome::Account(_) | Outcome::Voided => panic!("a transaction"),
        }
    };
    let amount = TransactionChanges { amount: Some("2000".into()), ..TransactionChanges::default() };
    assert_eq!(edit(&mut world, amount), rate);
    let date =
        TransactionChanges { transaction_date: Some("2024-02-02".into()), ..TransactionChanges::default() };
    assert_ne!(edit(&mut world, date), rate);
}

#[test]
fn closed_accounts_take_reversals_only() {
    let mut world = World::new();
    let (_, made) = world.carry_out(Order::Create(expense(11, "10"))).expect("posted");
    let Outcome::Transaction(made) = made else { panic!("a transaction") };
    let archive = AccountChanges { is_active: Some(false), ..AccountChanges::default() };
    let account_id = Uuid::from_u128(11);
    world
        .carry_out(Order::ChangeAccount { account_id, changes: archive, if_version: None })
        .expect("archived");
    let refused = |world: &mut World, order| world.carry_out(order).map(|_| ()).expect_err("refused");
    assert_eq!(
        refused(&mut world, Order::Create(expense(11, "1"))),
        Rejection::AccountClosed(vec!["account_id"])
    );
    let dearer = TransactionChanges { amount: Some("11".into()), ..TransactionChanges::default() };
    assert_eq!(refused(&mut world, changed(dearer, made.id)), Rejection::AccountClosed(vec!["account_id"]));
    let words = TransactionChanges { notes: Some(Some("fine".into())), ..TransactionChanges::default() };
    world.carry_out(changed(words, made.id)).expect("words may change");
    world
        .carry_out(Order::Void { transaction_id: made.id, if_version: None })
        .expect("a reversal is always allowed");
    assert_eq!(
        refused(&mut world, Order::Void { transaction_id: made.id, if_version: None }),
        Rejection::Voided
    );
    world.check();
}

#[test]
fn a_purchase_in_the_households_currency_keeps_its_word() {
    let mut world = World::new();
    let input = TransactionInput { currency_code: Some("EUR".into()), ..expense(13, "9.99") };
    let (effects, made) = world.carry_out(Order::Create(input)).expect("posted");
    let Outcome::Transaction(made) = made else { panic!("a transaction") };
    assert_eq!(made.household_amount.map(Money::minor), Some(999));
    assert_eq!(made.account_change.currency().code(), "USD");
    let legs = effects.transaction.expect("legs").legs;
    let household: Vec<_> = legs.iter().map(|leg| leg.household.expect("known").amount.minor()).collect();
    assert_eq!(household, [-999, 999]);
}

#[test]
fn a_balance_that_cannot_be_stored_is_refused() {
    let mut world = World::new();
    let key = (HOUSEHOLD, Uuid::from_u128(11));
    if let Some(account) = world.book.accounts.get_mut(&key) {
        account.balance = Money::new(i64::MIN + 5, currency("EUR"));
    }
    let refused = world.carry_out(Order::Create(expense(11, "1"))).map(|_| ()).expect_err("refused");
    assert_eq!(refused, Rejection::OutOfRange);
}

#[test]
fn an_account_that_is_opened_and_adjusted_says_its_balance() {
    let mut world = World::new();
    let input = crate::domain::account::AccountInput {
        name: "New".into(),
        account_type: "cash".into(),
        balance: Some("-5.00".into()),
        ..Default::default()
    };
    let account_id = Uuid::from_u128(99);
    let (effects, opened) =
        world.carry_out(Order::OpenAccount { account_id, input: input.clone() }).expect("opened");
    let Outcome::Account(opened) = opened else { panic!("an account") };
    assert_eq!(opened.balance.minor(), -500);
    assert!(matches!(effects.account, Some(AccountEffect::Opened(_))));
    let again = world.carry_out(Order::OpenAccount { account_id: Uuid::from_u128(98), input }).map(|_| ());
    assert_eq!(again.expect_err("refused"), Rejection::name_taken());
    let changes = AccountChanges { balance: Some("7".into()), ..AccountChanges::default() };
    let (effects, adjusted) =
        world.carry_out(Order::ChangeAccount { account_id, changes, if_version: Some(1) }).expect("adjusted");
    let Outcome::Account(adjusted) = adjusted else { panic!("an account") };
    assert_eq!(
        (adjusted.balance.minor(), adjusted.version),
        (700, 1),
        "the balance is no edit of the account"
    );
    assert_eq!(effects.transaction.map(|it| it.transaction.amount.minor()), Some(1200));
}
