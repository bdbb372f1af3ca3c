//! Examples of single rules.

use super::*;
use crate::domain::posting::Occurrence;

fn expense(account: u128, amount: &str) -> TransactionInput {
    TransactionInput {
        account_id: Uuid::from_u128(account).to_string(),
        transaction_type: "expense".into(),
        amount: amount.into(),
        transaction_date: Some("2024-02-01".into()),
        ..TransactionInput::default()
    }
}

fn changed(changes: TransactionChanges, transaction_id: Uuid) -> CommandKind {
    CommandKind::Edit { transaction_id, changes, expected_version: None }
}

#[test]
fn a_text_edit_posts_nothing_and_an_empty_edit_adds_no_revision() {
    let mut world = TestLedger::new();
    let made = world.create(expense(11, "10"));
    let text_changes =
        transaction_change("description", |input| input.details.description = Some("Lunch".into()));
    let (effects, _) = world.execute(changed(text_changes.clone(), made.id)).expect("edited");
    let effect = effects.transaction.expect("a revision");
    assert!(effect.postings.is_empty() && effect.revision.revision == 2);
    assert_eq!(effect.transaction.posted_revision, Some(1), "the first postings stay in effect");
    let (effects, _) = world.execute(changed(text_changes, made.id)).expect("nothing to do");
    assert!(effects.transaction.is_none() && effects.events.is_empty());
}

#[test]
fn an_edit_keeps_its_rate_unless_currency_or_date_change() {
    let mut world = TestLedger::new();
    let input = TransactionInput { currency_code: Some("JPY".into()), ..expense(13, "1000") };
    let made = world.create(input);
    let rate = made.rate.expect("converted");
    let edit = |world: &mut TestLedger, changes| {
        // The day's rate has changed meanwhile.
        let command = world.command(changed(changes, made.id));
        let resolved = resolve(&world.state, &command).expect("resolved");
        let mut quotes = Quotes::default();
        for (currency_, day) in rates_needed(&world.state, std::iter::once((&command, resolved.as_ref()))) {
            let rate = Rate { value: rust_decimal::Decimal::from(2), day, source: Source::Manual };
            quotes.add(currency_, Quote { base: currency("EUR"), rate });
        }
        let (effects, outcome) =
            plan(&mut world.state, &command, resolved.as_ref(), &quotes).expect("planned");
        world.store(&effects);
        match outcome {
            Outcome::Transaction(transaction) => transaction.rate.expect("converted"),
            Outcome::Unchanged(_) | Outcome::Account(_) | Outcome::Voided | Outcome::Many(_) => {
                panic!("a transaction")
            }
        }
    };
    let amount = transaction_change("amount", |input| input.amount = "2000".into());
    assert_eq!(edit(&mut world, amount), rate);
    let date =
        transaction_change("transaction_date", |input| input.transaction_date = Some("2024-02-02".into()));
    assert_ne!(edit(&mut world, date), rate);
}

#[test]
fn closed_accounts_take_reversals_only() {
    let mut world = TestLedger::new();
    let made = world.create(expense(11, "10"));
    let archive = account_change("is_active", |input| input.is_active = Some(false));
    let account_id = Uuid::from_u128(11);
    world
        .execute(CommandKind::ChangeAccount { account_id, changes: archive, expected_version: None })
        .expect("archived");
    let rejected = |world: &mut TestLedger, kind| world.execute(kind).map(|_| ()).expect_err("rejected");
    assert_eq!(
        rejected(&mut world, CommandKind::Create(expense(11, "1"))),
        Rejection::AccountClosed(vec!["account_id"])
    );
    let dearer = transaction_change("amount", |input| input.amount = "11".into());
    assert_eq!(rejected(&mut world, changed(dearer, made.id)), Rejection::AccountClosed(vec!["account_id"]));
    let text_changes = transaction_change("notes", |input| input.details.notes = Some("fine".into()));
    world.execute(changed(text_changes, made.id)).expect("texts may change");
    world
        .execute(CommandKind::Void { transaction_id: made.id, expected_version: None })
        .expect("a reversal is always allowed");
    let (effects, _) = world
        .execute(CommandKind::Void { transaction_id: made.id, expected_version: None })
        .expect("voiding twice is allowed");
    assert!(effects.transaction.is_none() && effects.events.is_empty());
    world
        .execute(CommandKind::Restore { transaction_id: made.id, expected_version: None })
        .expect("restored on an archived account");
    let category = transaction_change("category_id", |input| input.category_id = Some(EXPENSE.to_string()));
    world.execute(changed(category, made.id)).expect("a new category does not change the account");
    world.check();
}

#[test]
fn an_amount_entered_in_the_household_currency_is_not_converted_back() {
    let mut world = TestLedger::new();
    let input = TransactionInput { currency_code: Some("EUR".into()), ..expense(13, "9.99") };
    let (effects, made) = world.execute(CommandKind::Create(input)).expect("posted");
    let Outcome::Transaction(made) = made else { panic!("a transaction") };
    assert_eq!(made.household_amount.map(Money::minor), Some(999));
    assert_eq!(made.account_change.currency().code(), "USD");
    let postings = effects.transaction.expect("postings").postings;
    let household: Vec<_> =
        postings.iter().map(|posting| posting.household.expect("known").amount.minor()).collect();
    assert_eq!(household, [-999, 999, -999, 999]);
    let currencies: Vec<_> = postings.iter().map(|posting| posting.amount.currency().code()).collect();
    assert_eq!(currencies, ["USD", "USD", "EUR", "EUR"]);

    let transfer = TransactionInput {
        transaction_type: "transfer".into(),
        currency_code: Some("EUR".into()),
        to_account_id: Some(Uuid::from_u128(14).to_string()),
        to_amount: Some("1500".into()),
        ..expense(13, "9.99")
    };
    let (effects, _) = world.execute(CommandKind::Create(transfer)).expect("posted");
    let postings = effects.transaction.expect("postings").postings;
    let household: Vec<_> =
        postings.iter().map(|posting| posting.household.expect("known").amount.minor()).collect();
    assert_eq!(household[..2], [-999, 999], "the entered amount leaves");
    assert_eq!(household[2], -household[3], "the arriving amount has the day's rate");
}

#[test]
fn a_balance_that_cannot_be_stored_is_rejected() {
    let mut world = TestLedger::new();
    let key = (HOUSEHOLD, Uuid::from_u128(11));
    if let Some(account) = world.state.accounts.get_mut(&key) {
        account.projected_balance = Money::new(i64::MIN + 5, currency("EUR"));
    }
    let rejected = world.execute(CommandKind::Create(expense(11, "1"))).map(|_| ()).expect_err("rejected");
    assert_eq!(rejected, Rejection::OutOfRange);
}

#[test]
fn opening_and_adjusting_an_account_returns_its_balance() {
    let mut world = TestLedger::new();
    let input = AccountInput {
        name: "New".into(),
        account_type: "cash".into(),
        balance: Some("-5.00".into()),
        ..Default::default()
    };
    let account_id = Uuid::from_u128(99);
    let (effects, opened) =
        world.execute(CommandKind::OpenAccount { account_id, input: input.clone() }).expect("opened");
    let Outcome::Account(opened) = opened else { panic!("an account") };
    assert_eq!(opened.balance.minor(), -500);
    assert!(matches!(effects.account, Some(AccountEffect::Opened(_))));
    let again =
        world.execute(CommandKind::OpenAccount { account_id: Uuid::from_u128(98), input }).map(|_| ());
    assert_eq!(again.expect_err("rejected"), Rejection::name_taken());
    let changes = account_change("balance", |input| input.balance = Some("7".into()));
    let (effects, adjusted) = world
        .execute(CommandKind::ChangeAccount { account_id, changes, expected_version: Some(1) })
        .expect("adjusted");
    let Outcome::Account(adjusted) = adjusted else { panic!("an account") };
    assert_eq!(
        (adjusted.balance.minor(), adjusted.account.version),
        (700, 1),
        "setting the balance does not change the account's version"
    );
    assert_eq!(effects.transaction.map(|effect| effect.transaction.amount.minor()), Some(1200));
}

#[test]
fn setting_a_balance_ignores_postings_dated_later() {
    let mut world = TestLedger::new();
    // Today is 4 October 2024.
    let dated = |amount: &str, date: &str| TransactionInput {
        transaction_date: Some(date.into()),
        ..expense(11, amount)
    };
    let set = |balance: &str| CommandKind::ChangeAccount {
        account_id: Uuid::from_u128(11),
        changes: account_change("balance", |input| input.balance = Some(balance.into())),
        expected_version: None,
    };
    world.execute(set("1000")).expect("set");
    world.execute(CommandKind::Create(dated("200", "2024-10-11"))).expect("posted");
    world.execute(CommandKind::Create(dated("50", "2024-10-04"))).expect("posted");
    let (effects, outcome) = world.execute(set("1000.00")).expect("set");
    assert_eq!(effects.transaction.map(|effect| effect.transaction.amount.minor()), Some(5_000));
    let Outcome::Account(state) = outcome else { panic!("an account") };
    assert_eq!((state.balance.minor(), state.account.projected_balance.minor()), (100_000, 80_000));
    let (effects, _) = world.execute(set("1000.00")).expect("nothing to do");
    assert!(effects.transaction.is_none());
    world.check();
}

#[test]
fn changing_the_amount_of_a_cross_currency_transfer_requires_to_amount() {
    let mut world = TestLedger::new();
    let transfer = TransactionInput {
        transaction_type: "transfer".into(),
        to_account_id: Some(Uuid::from_u128(11).to_string()),
        to_amount: Some("88".into()),
        ..expense(13, "100")
    };
    let made = world.create(transfer);
    let edit = |changes: TransactionChanges| changed(changes, made.id);
    let amount = transaction_change("amount", |input| input.amount = "1000.00".into());
    assert_eq!(reasons(world.execute(edit(amount.clone()))), [("to_amount".into(), "REQUIRED")]);
    let currency = transaction_change("currency_code", |input| input.currency_code = Some("GBP".into()));
    assert_eq!(reasons(world.execute(edit(currency))), [("to_amount".into(), "REQUIRED")]);
    let other = transaction_change("to_account_id", |input| {
        input.to_account_id = Some(Uuid::from_u128(14).to_string());
    });
    assert_eq!(reasons(world.execute(edit(other))), [("to_amount".into(), "REQUIRED")]);
    let same = transaction_change("amount", |input| input.amount = "100.00".into());
    world.execute(edit(same)).expect("nothing changes");
    let both = TransactionChanges::new(
        ["amount", "to_amount"],
        TransactionInput { to_amount: Some("880".into()), ..amount.values },
    );
    world.execute(edit(both)).expect("edited");
    assert_eq!(world.balances()[&Uuid::from_u128(11)], 88_000);
    // Between two accounts of one currency no `to_amount` is required.
    let to_euros =
        transaction_change("account_id", |input| input.account_id = Uuid::from_u128(12).to_string());
    world.execute(edit(to_euros)).expect("edited");
    assert_eq!(world.balances()[&Uuid::from_u128(13)], 0);
    world.check();
}

#[test]
fn a_field_that_was_not_sent_never_conflicts_with_a_new_type() {
    let mut world = TestLedger::new();
    let input = TransactionInput { category_id: Some(EXPENSE.to_string()), ..expense(11, "10") };
    let made = world.create(input);
    let to = |kind: &str| transaction_change("type", |input| input.transaction_type = kind.into());
    let to_transfer = TransactionChanges::new(
        ["type", "to_account_id"],
        TransactionInput { to_account_id: Some(Uuid::from_u128(12).to_string()), ..to("transfer").values },
    );
    let transfer = world.transaction(changed(to_transfer.clone(), made.id));
    assert_eq!(transfer.category_id, None);
    let income = world.transaction(changed(to("income"), made.id));
    assert_eq!((income.to_account_id, income.to_amount), (None, None));
    let sent = TransactionChanges::new(
        ["type", "to_account_id", "category_id"],
        TransactionInput { category_id: Some(EXPENSE.to_string()), ..to_transfer.values },
    );
    assert_eq!(reasons(world.execute(changed(sent, made.id))), [("category_id".into(), "CONFLICTING")]);
    world.check();
}

#[test]
fn a_category_posting_keeps_the_entered_currency() {
    let mut world = TestLedger::new();
    // A hundred yen from an account in dollars: 100 / 175.6801 * 1.1173 = 0.64 dollars.
    let input = TransactionInput {
        currency_code: Some("JPY".into()),
        category_id: Some(EXPENSE.to_string()),
        ..expense(13, "100")
    };
    let (effects, _) = world.execute(CommandKind::Create(input)).expect("posted");
    let postings = effects.transaction.expect("postings").postings;
    let moved: Vec<_> =
        postings.iter().map(|posting| (posting.amount.currency().code(), posting.amount.minor())).collect();
    assert_eq!(moved, [("USD", -64), ("USD", 64), ("JPY", -100), ("JPY", 100)]);
    let worth: Vec<_> =
        postings.iter().map(|posting| posting.household.expect("known").amount.minor()).collect();
    assert_eq!(worth, [-57, 57, -57, 57], "0.64 dollars are 0.57 euros, on every posting");
    let rated: Vec<_> =
        postings.iter().map(|posting| posting.household.expect("known").rate.is_some()).collect();
    assert_eq!(rated, [true, true, false, false]);
    world.check();
}

fn splits(parts: &[(Uuid, &str)]) -> Vec<SplitInput> {
    let split = |(id, amount): &(Uuid, &str)| SplitInput {
        category_id: id.to_string(),
        amount: (*amount).into(),
        description: None,
    };
    parts.iter().map(split).collect()
}

fn reasons(rejected: Result<(Effects, Outcome), Rejection>) -> Vec<(String, &'static str)> {
    let Err(Rejection::Invalid(violations)) = rejected else { panic!("rejected fields") };
    violations.into_iter().map(|violation| (violation.field, violation.code.as_str())).collect()
}

#[test]
fn splits_share_amount_and_household_value_to_the_last_cent() {
    let mut world = TestLedger::new();
    // Entered in dollars, posted in yen, valued in euros: three roundings.
    let parts = splits(&[(EXPENSE, "3.33"), (OTHER_EXPENSE, "3.33"), (EXPENSE, "3.34")]);
    let input = TransactionInput { currency_code: Some("USD".into()), splits: parts, ..expense(14, "10.00") };
    let (effects, _) = world.execute(CommandKind::Create(input)).expect("posted");
    let postings = effects.transaction.expect("postings").postings;
    assert_eq!(postings.len(), 6);
    let minor = |postings: &[Posting]| postings.iter().map(|posting| posting.amount.minor()).sum::<i64>();
    let worth = |postings: &[Posting]| {
        postings.iter().map(|posting| posting.household.expect("known").amount.minor()).sum::<i64>()
    };
    assert_eq!((minor(&postings), worth(&postings)), (0, 0), "{postings:?}");
    let parts: Vec<_> = postings[3..]
        .iter()
        .map(|posting| (posting.amount.currency().code(), posting.amount.minor()))
        .collect();
    assert_eq!(parts, [("USD", 333), ("USD", 333), ("USD", 334)], "as entered");
    let yen: i64 = postings
        .iter()
        .filter(|posting| posting.amount.currency().code() == "JPY")
        .map(|posting| posting.amount.minor())
        .sum();
    assert_eq!(yen, 0);
}

#[test]
fn invalid_splits_are_reported_by_index() {
    let mut world = TestLedger::new();
    let with = |parts: &[(Uuid, &str)]| TransactionInput { splits: splits(parts), ..expense(11, "10") };
    let rejected = world.execute(CommandKind::Create(with(&[(EXPENSE, "4"), (OTHER_EXPENSE, "5.99")])));
    assert_eq!(reasons(rejected), [("splits".into(), "SPLITS_SUM_MISMATCH")]);
    let rejected =
        world.execute(CommandKind::Create(with(&[(Uuid::nil(), "4.001"), (INCOME, "0"), (EXPENSE, "x")])));
    assert_eq!(
        reasons(rejected),
        [
            ("splits[0].category_id".into(), "CATEGORY_NOT_FOUND"),
            ("splits[0].amount".into(), "AMOUNT_TOO_PRECISE"),
            ("splits[1].category_id".into(), "CATEGORY_TYPE_MISMATCH"),
            ("splits[1].amount".into(), "AMOUNT_NOT_POSITIVE"),
            ("splits[2].amount".into(), "AMOUNT_INVALID"),
        ]
    );
    let both = TransactionInput { category_id: Some(EXPENSE.to_string()), ..with(&[(EXPENSE, "10")]) };
    assert_eq!(reasons(world.execute(CommandKind::Create(both))), [("splits".into(), "CONFLICTING")]);
    let parts = splits(&[(EXPENSE, "10")]);
    let transfer = TransactionInput {
        transaction_type: "transfer".into(),
        to_account_id: Some(Uuid::from_u128(12).to_string()),
        splits: parts,
        ..expense(11, "10")
    };
    let rejected = world.execute(CommandKind::Create(transfer));
    assert_eq!(reasons(rejected), [("splits[0].category_id".into(), "CONFLICTING")]);
}

#[test]
fn a_category_replaces_splits_and_splits_replace_a_category() {
    let mut world = TestLedger::new();
    let input = TransactionInput { category_id: Some(EXPENSE.to_string()), ..expense(11, "10") };
    let made = world.create(input);
    let parts = splits(&[(EXPENSE, "4"), (OTHER_EXPENSE, "6")]);
    let split = transaction_change("splits", |input| input.splits = parts);
    let split = world.transaction(changed(split, made.id));
    assert_eq!((split.category_id, split.splits.len()), (None, 2));
    let amount = transaction_change("amount", |input| input.amount = "11".into());
    let rejected = world.execute(changed(amount, made.id));
    assert_eq!(
        reasons(rejected),
        [("splits".into(), "SPLITS_SUM_MISMATCH")],
        "splits do not scale with the amount"
    );
    let one = transaction_change("category_id", |input| input.category_id = Some(OTHER_EXPENSE.to_string()));
    let one = world.transaction(changed(one, made.id));
    assert_eq!((one.category_id, one.splits.len()), (Some(OTHER_EXPENSE), 0));
    world.check();
}

#[test]
fn a_transaction_on_a_closed_account_is_restored_with_its_rates() {
    let mut world = TestLedger::new();
    let made = world.create(expense(13, "10"));
    let restore = || CommandKind::Restore { transaction_id: made.id, expected_version: None };
    let (effects, _) = world.execute(restore()).expect("already posted");
    assert!(effects.transaction.is_none() && effects.events.is_empty(), "nothing to do");
    world.execute(CommandKind::Void { transaction_id: made.id, expected_version: Some(1) }).expect("voided");
    let archive = CommandKind::ChangeAccount {
        account_id: Uuid::from_u128(13),
        changes: account_change("is_active", |input| input.is_active = Some(false)),
        expected_version: None,
    };
    world.execute(archive).expect("archived");
    let stale = CommandKind::Restore { transaction_id: made.id, expected_version: Some(1) };
    assert_eq!(world.execute(stale).map(|_| ()).expect_err("stale"), Rejection::VersionMismatch);
    let (effects, _) = world.execute(restore()).expect("restored");
    let effect = effects.transaction.expect("posted again");
    assert_eq!((effect.transaction.version, effect.revision.kind.into_str()), (3, "restored"));
    assert_eq!(effect.transaction.household_amount, made.household_amount);
    assert!(effect.postings.iter().all(|posting| !posting.is_reversal));
    world.check();
}

#[test]
fn an_occurrence_of_a_changed_recurring_transaction_is_not_posted() {
    let mut world = TestLedger::new();
    let recurring_id = Uuid::from_u128(77);
    let key = (world.command(CommandKind::Create(expense(11, "10"))).household.id, recurring_id);
    let mut post = |version: Option<i64>| {
        let occurrence_of = Some(Occurrence { recurring_id, expected_version: Some(3) });
        let command = Command { occurrence_of, ..world.command(CommandKind::Create(expense(11, "10"))) };
        world.state.recurring = version.map(|version| (key, version)).into_iter().collect();
        resolve(&world.state, &command).map(|_| ())
    };
    assert_eq!(post(Some(3)), Ok(()));
    assert_eq!(post(Some(4)), Err(Rejection::VersionMismatch));
    assert_eq!(post(None), Err(Rejection::VersionMismatch), "paused or deleted");
}
