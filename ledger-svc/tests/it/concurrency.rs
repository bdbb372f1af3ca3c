//! Tests two replicas on one database under concurrent requests.

use std::collections::HashMap;

use fintrac_proto::ledger::v1 as pb;
use futures::FutureExt as _;
use futures::future::join_all;
use kit_core::random::Random;
use tonic::Status;

use crate::support::{Ledger, User, entry, transfer};

const TASKS: usize = 32;
const TRANSACTIONS_PER_TASK: usize = 157;

/// The change of each account's balance that a task posted, in cents.
type BalanceChanges = HashMap<String, i64>;

async fn post(user: &User, accounts: &[pb::Account], random: &Random) -> BalanceChanges {
    let mut changes = BalanceChanges::new();
    for _ in 0..TRANSACTIONS_PER_TASK {
        let [from, to, cents, kind] = random.bytes();
        let from = &accounts[usize::from(from) % accounts.len()];
        let to = &accounts[usize::from(to) % accounts.len()];
        let amount = format!("{}.{:02}", cents, kind % 100);
        let (request, change) = match kind % 3 {
            0 => (entry(from, "income", &amount), 1),
            1 if from.id != to.id => (transfer(from, to, &amount), -1),
            _ => (entry(from, "expense", &amount), -1),
        };
        let is_transfer = request.r#type == "transfer";
        let minor = i64::from(cents) * 100 + i64::from(kind % 100);
        if minor == 0 {
            continue;
        }
        user.post(request).await.expect("posted");
        *changes.entry(from.id.clone()).or_default() += change * minor;
        if is_transfer {
            *changes.entry(to.id.clone()).or_default() += minor;
        }
    }
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_tasks_post_five_thousand_transactions_on_ten_accounts() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let mut accounts = Vec::new();
    for number in 0..10 {
        accounts.push(ana.account(&format!("Account {number}"), "", "1000").await);
    }
    let ana_on_second = second.client_for(&ana);
    let random = Random::seeded(42);
    let tasks =
        (0..TASKS).map(|task| {
            let user = if task % 2 == 0 { ana.clone() } else { ana_on_second.clone() };
            let (accounts, random) = (accounts.clone(), random.clone());
            async move {
                tokio::spawn(async move { post(&user, &accounts, &random).await }).await.expect("no panic")
            }
        });
    let mut expected: HashMap<String, i64> =
        accounts.iter().map(|account| (account.id.clone(), 100_000)).collect();
    for changes in join_all(tasks).await {
        for (account, change) in changes {
            *expected.entry(account).or_default() += change;
        }
    }
    for (account, cents) in expected {
        let balance = ana.balance(&account).await.replace('.', "").parse::<i64>().expect("a balance");
        assert_eq!(balance, cents);
    }
    ledger.verify().await;
}

/// Edits a transaction until it is voided; any other rejection is a defect.
async fn edit(user: &User, id: &str, amounts: std::ops::Range<u32>) -> Result<(), Status> {
    for amount in amounts {
        let change = pb::CreateTransactionRequest { amount: amount.to_string(), ..Default::default() };
        match user.edit(id, change, &["amount"]).await {
            Ok(_) => {}
            Err(status) if kit_core::error::reason(&status).as_deref() == Some("TRANSACTION_VOIDED") => {
                break;
            }
            Err(status) => return Err(status),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_edit_and_void_the_same_transactions() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let ana_on_second = second.client_for(&ana);
    let (bank, card) = (ana.account("Bank", "", "").await, ana.account("Card", "", "").await);
    let mut transactions = Vec::new();
    for number in 0..20 {
        let request =
            if number % 2 == 0 { entry(&bank, "expense", "5") } else { transfer(&card, &bank, "5") };
        transactions.push(ana.post(request).await.expect("posted"));
    }
    let voids = transactions.iter().enumerate().filter(|(number, _)| number % 4 == 0);
    let voids = voids.map(|(_, transaction)| async {
        // Both calls succeed; the balances below show that only one reversed the transaction.
        let results = tokio::join!(ana.void(&transaction.id), ana_on_second.void(&transaction.id));
        results.0.and(results.1).expect("voided");
    });
    let edits = transactions.iter().flat_map(|transaction| {
        let (here, across) =
            (edit(&ana, &transaction.id, 10..25), edit(&ana_on_second, &transaction.id, 30..45));
        [here.boxed(), across.boxed()]
    });
    let (edited, _voided) = tokio::join!(join_all(edits), join_all(voids));
    for result in edited {
        result.expect("edited");
    }
    let mut balances = HashMap::from([(bank.id.clone(), 0), (card.id.clone(), 0)]);
    for transaction in ana.list_all(pb::TransactionFilter::default(), 200).await {
        let cents = transaction.amount.replace('.', "").parse::<i64>().expect("an amount");
        *balances.entry(transaction.account_id).or_default() -= cents;
        if let Some(to) = transaction.to_account_id {
            *balances.entry(to).or_default() += cents;
        }
    }
    for (account, cents) in balances {
        let balance = ana.balance(&account).await.replace('.', "").parse::<i64>().expect("a balance");
        assert_eq!(balance, cents);
    }
    ledger.verify().await;
}
