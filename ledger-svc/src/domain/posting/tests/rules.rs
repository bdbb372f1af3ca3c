//! The rules that an example says best.

use super::*;

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

    let transfer = TransactionInput {
        transaction_type: "transfer".into(),
        currency_code: Some("EUR".into()),
        to_account_id: Some(Uuid::from_u128(14).to_string()),
        to_amount: Some("1500".into()),
        ..expense(13, "9.99")
    };
    let (effects, _) = world.carry_out(Order::Create(transfer)).expect("posted");
    let legs = effects.transaction.expect("legs").legs;
    let household: Vec<_> = legs.iter().map(|leg| leg.household.expect("known").amount.minor()).collect();
    assert_eq!(household[..2], [-999, 999], "what leaves is his word");
    assert_eq!(household[2], -household[3], "what arrives has the day's rate");
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
