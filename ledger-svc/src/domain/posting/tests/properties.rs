//! Whatever people do, the ledger adds up.

use super::*;

/// Something a person might do; indexes are taken modulo what is there.
#[derive(Debug, Clone)]
enum Act {
    Create(TransactionInput),
    Edit(usize, TransactionChanges),
    Void(usize),
    Restore(usize),
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
    let parts = prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(1..100_u32, 1..4)];
    (kind, account(), amount(), account(), amount(), category, word, day(), parts).prop_map(
        |(kind, account_id, amount, to, to_amount, category, word, day, parts)| {
            // Whole amounts are split in whole parts, the last one takes the rest.
            let whole = amount.parse::<u32>().ok().filter(|whole| whole / 400 > 0 && kind != "transfer");
            let splits = whole.map(|whole| split(whole, &parts)).unwrap_or_default();
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
    for (at, part) in parts.iter().enumerate() {
        let part = if at + 1 == parts.len() { left } else { *part };
        left -= part;
        let category = if at % 2 == 0 { EXPENSE } else { OTHER_EXPENSE };
        let (category_id, amount) = (category.to_string(), part.to_string());
        splits.push(SplitInput { category_id, amount, description: None });
    }
    splits
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
        2 => any::<usize>().prop_map(Act::Restore),
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
        Act::Restore(index) => Order::Restore { transaction_id: at(index)?, if_version: None },
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
            to_amount: Some(made.to_amount.map(|amount| amount.to_string())),
            transaction_date: Some(made.date.to_string()),
            description: Some(None),
            ..TransactionChanges::default()
        };
        world.carry_out(edit(back)).expect("the way back is open");
        prop_assert_eq!(world.balances(), balances);
        let days: BTreeMap<_, _> = world.moves.days.clone().into_iter().filter(|(_, sums)| *sums != DayMove::default()).collect();
        let before: BTreeMap<_, _> = moves_before.into_iter().filter(|(_, sums)| *sums != DayMove::default()).collect();
        prop_assert_eq!(days, before, "totals, native and in the household's currency");
        world.check();
        world.carry_out(Order::Void { transaction_id: made.id, if_version: None }).expect("voided");
        prop_assert!(world.moves.days.values().all(|sums| *sums == DayMove::default()), "nothing is left after voiding");
        prop_assert!(world.balances().values().all(|balance| *balance == 0));
    }

    #[test]
    fn voiding_and_restoring_is_the_identity(first in input(), times in 1..4_usize) {
        let mut world = World::new();
        let Ok((_, Outcome::Transaction(made))) = world.carry_out(Order::Create(first)) else { return Ok(()) };
        let whole = |world: &World| {
            let days = world.moves.days.clone().into_iter().filter(|(_, sums)| *sums != DayMove::default());
            let legs = world.book.transactions[&(HOUSEHOLD, made.id)].legs.clone();
            (world.balances(), days.collect::<BTreeMap<_, _>>(), legs)
        };
        let before = whole(&world);
        for _ in 0..times {
            world.carry_out(Order::Void { transaction_id: made.id, if_version: None }).expect("voided");
            prop_assert!(world.moves.days.values().all(|sums| *sums == DayMove::default()));
            let (_, outcome) =
                world.carry_out(Order::Restore { transaction_id: made.id, if_version: None }).expect("restored");
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
