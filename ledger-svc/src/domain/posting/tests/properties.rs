//! Random command sequences keep the ledger balanced.

use super::*;

/// An action of a user; indexes are taken modulo the number of items.
#[derive(Debug, Clone)]
enum Step {
    Create(TransactionInput),
    Edit(usize, TransactionChanges),
    Void(usize),
    Restore(usize),
    SetBalance(usize, i64),
    Archive(usize, bool),
}

fn account() -> impl Strategy<Value = String> {
    (0..ACCOUNTS.len()).prop_map(|index| Uuid::from_u128(ACCOUNTS[index].0).to_string())
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
    let currency_code = prop_oneof![3 => Just(None), 1 => Just(Some("USD")), 1 => Just(Some("EUR"))];
    let parts = prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(1..100_u32, 1..4)];
    (kind, account(), amount(), account(), amount(), category, currency_code, day(), parts).prop_map(
        |(kind, account_id, amount, to, to_amount, category, currency_code, day, parts)| {
            // Whole amounts are split into whole parts, of which the last is the remainder.
            let whole = amount.parse::<u32>().ok().filter(|whole| whole / 400 > 0 && kind != "transfer");
            let splits = whole.map(|whole| split(whole, &parts)).unwrap_or_default();
            let is_transfer = kind == "transfer";
            let code = |id: &str| {
                ACCOUNTS
                    .iter()
                    .find(|(number, _)| Uuid::from_u128(*number).to_string() == id)
                    .map(|account| account.1)
            };
            let crosses = is_transfer && code(&account_id) != code(&to);
            TransactionInput {
                account_id,
                transaction_type: kind.to_owned(),
                amount,
                currency_code: currency_code.map(str::to_owned),
                category_id: category.filter(|_| !is_transfer && splits.is_empty()).map(|id| id.to_string()),
                splits,
                to_account_id: is_transfer.then_some(to),
                to_amount: crosses.then_some(to_amount),
                transaction_date: Some(day),
                ..TransactionInput::default()
            }
        },
    )
}

fn split(whole: u32, parts: &[u32]) -> Vec<SplitInput> {
    let mut left = whole;
    let mut splits = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let part = if index + 1 == parts.len() { left } else { *part };
        left -= part;
        let category = if index % 2 == 0 { EXPENSE } else { OTHER_EXPENSE };
        let (category_id, amount) = (category.to_string(), part.to_string());
        splits.push(SplitInput { category_id, amount, description: None });
    }
    splits
}

fn changes() -> impl Strategy<Value = TransactionChanges> {
    use proptest::option::weighted as maybe;

    (maybe(0.5, amount()), maybe(0.3, day()), maybe(0.3, account()), maybe(0.3, Just("words".to_owned())))
        .prop_map(|(amount, transaction_date, account_id, description)| {
            let sent = [
                ("amount", amount.is_some()),
                ("transaction_date", transaction_date.is_some()),
                ("account_id", account_id.is_some()),
                ("description", description.is_some()),
            ];
            let input = TransactionInput {
                amount: amount.unwrap_or_default(),
                transaction_date,
                account_id: account_id.unwrap_or_default(),
                details: TransactionDetails { description, ..TransactionDetails::default() },
                ..TransactionInput::default()
            };
            TransactionChanges::new(
                sent.into_iter().filter(|(_, is_sent)| *is_sent).map(|(name, _)| name),
                input,
            )
        })
}

fn act() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => input().prop_map(Step::Create),
        3 => (any::<usize>(), changes()).prop_map(|(index, changes)| Step::Edit(index, changes)),
        2 => any::<usize>().prop_map(Step::Void),
        2 => any::<usize>().prop_map(Step::Restore),
        1 => (any::<usize>(), -1_000_000..1_000_000_i64).prop_map(|(index, balance)| Step::SetBalance(index, balance)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(index, active)| Step::Archive(index, active)),
    ]
}

fn command_kind(world: &TestLedger, act: Step) -> Option<CommandKind> {
    let transaction = |index: usize| {
        (!world.transactions.is_empty()).then(|| world.transactions[index % world.transactions.len()])
    };
    let account = |index: usize| Uuid::from_u128(ACCOUNTS[index % ACCOUNTS.len()].0);
    let change = |index, changes| CommandKind::ChangeAccount {
        account_id: account(index),
        changes,
        expected_version: None,
    };
    Some(match act {
        Step::Create(input) => CommandKind::Create(input),
        Step::Edit(index, changes) => {
            CommandKind::Edit { transaction_id: transaction(index)?, changes, expected_version: None }
        }
        Step::Void(index) => {
            CommandKind::Void { transaction_id: transaction(index)?, expected_version: None }
        }
        Step::Restore(index) => {
            CommandKind::Restore { transaction_id: transaction(index)?, expected_version: None }
        }
        Step::SetBalance(index, balance) => {
            change(index, account_change("balance", |input| input.balance = Some(balance.to_string())))
        }
        Step::Archive(index, active) => {
            change(index, account_change("is_active", |input| input.is_active = Some(active)))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_command_sequence_keeps_the_ledger_balanced(acts in proptest::collection::vec(act(), 1..40)) {
        let mut world = TestLedger::new();
        for act in acts {
            let Some(kind) = command_kind(&world, act) else { continue };
            let before = (world.balances(), world.posted.len());
            if world.execute(kind).is_err() {
                prop_assert_eq!(before, (world.balances(), world.posted.len()), "a rejection has no effect");
            }
            world.check();
        }
    }

    #[test]
    fn an_edit_and_its_reversal_are_the_identity(first in input(), changes in changes()) {
        let mut world = TestLedger::new();
        let Ok((_, Outcome::Transaction(made))) = world.execute(CommandKind::Create(first.clone())) else { return Ok(()) };
        let deltas_before: BTreeMap<_, _> = world.deltas.days.clone();
        let balances = world.balances();
        let edit = |changes| CommandKind::Edit { transaction_id: made.id, changes, expected_version: None };
        if world.execute(edit(changes)).is_err() {
            return Ok(());
        }
        let input = TransactionInput {
            account_id: made.account_id.to_string(),
            amount: made.amount.to_string(),
            to_amount: made.to_amount.map(|amount| amount.to_string()),
            transaction_date: Some(made.date.to_string()),
            ..TransactionInput::default()
        };
        let fields = ["account_id", "amount", "to_amount", "transaction_date", "description"];
        let back = TransactionChanges::new(fields, input);
        world.execute(edit(back)).expect("the edit can be reversed");
        prop_assert_eq!(world.balances(), balances);
        let days: BTreeMap<_, _> = world.deltas.days.clone().into_iter().filter(|(_, sums)| *sums != DailyDelta::default()).collect();
        let before: BTreeMap<_, _> = deltas_before.into_iter().filter(|(_, sums)| *sums != DailyDelta::default()).collect();
        prop_assert_eq!(days, before, "daily totals are equal in both currencies");
        world.check();
        world.execute(CommandKind::Void { transaction_id: made.id, expected_version: None }).expect("voided");
        prop_assert!(world.deltas.days.values().all(|sums| *sums == DailyDelta::default()), "voided totals are zero");
        prop_assert!(world.balances().values().all(|balance| *balance == 0));
    }

    #[test]
    fn voiding_and_restoring_is_the_identity(first in input(), times in 1..4_usize) {
        let mut world = TestLedger::new();
        let Ok((_, Outcome::Transaction(made))) = world.execute(CommandKind::Create(first)) else { return Ok(()) };
        let whole = |world: &TestLedger| {
            let days = world.deltas.days.clone().into_iter().filter(|(_, sums)| *sums != DailyDelta::default());
            let postings = world.state.transactions[&(HOUSEHOLD, made.id)].postings.clone();
            (world.balances(), days.collect::<BTreeMap<_, _>>(), postings)
        };
        let before = whole(&world);
        for _ in 0..times {
            world.execute(CommandKind::Void { transaction_id: made.id, expected_version: None }).expect("voided");
            prop_assert!(world.deltas.days.values().all(|sums| *sums == DailyDelta::default()));
            let (_, outcome) =
                world.execute(CommandKind::Restore { transaction_id: made.id, expected_version: None }).expect("restored");
            let Outcome::Transaction(restored) = outcome else { panic!("a transaction") };
            prop_assert_eq!(restored.household_amount, made.household_amount);
            prop_assert_eq!(&whole(&world), &before);
            world.check();
        }
    }

    #[test]
    fn the_order_of_independent_commands_does_not_matter(
        inputs in proptest::collection::vec(input(), 1..20),
        seed in any::<u64>(),
    ) {
        let plan_all = |order: &[usize]| {
            let mut world = TestLedger::new();
            let commands: Vec<_> = inputs.iter().map(|input| world.command(CommandKind::Create(input.clone()))).collect();
            let mut outcomes = BTreeMap::new();
            for index in order {
                let command = &commands[*index];
                let planned = resolve(&world.state, command).and_then(|resolved| {
                    let needed = rates_needed(&world.state, std::iter::once((command, resolved.as_ref())));
                    plan(&mut world.state, command, resolved.as_ref(), &quotes(needed))
                });
                if let Ok((effects, _)) = &planned {
                    world.store(effects);
                }
                outcomes.insert(*index, planned.map(|(effects, outcome)| (effects.transaction, outcome)));
            }
            (outcomes, world.balances(), world.deltas)
        };
        let forward: Vec<_> = (0..inputs.len()).collect();
        let mut shuffled = forward.clone();
        shuffled.sort_by_key(|index| seed.rotate_left(u32::try_from(*index).expect("few") * 7) ^ (*index as u64));
        prop_assert_eq!(plan_all(&forward), plan_all(&shuffled));
    }
}
