//! Kills budget-svc while users contribute to a goal.
//!
//! Each contribution exists together with its transfer, or neither exists.

use std::collections::BTreeSet;

use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, System};
use futures::future::join_all;
use kit_core::random::Random;
use serde_json::json;
use tokio::sync::watch;

use crate::BINARY;
use crate::support::{TestUser, eventually};

const CONTRIBUTIONS: usize = 500;
const WORKERS: usize = 8;
const KILLS: usize = 6;

/// Contributes one unit and returns the status, if there was a response.
async fn contribute(client: &Client, token: &str, goal: &str, from: &str, key: &str) -> Option<u16> {
    let path = format!("/api/v1/goals/{goal}/contribute");
    let request = client.request(reqwest::Method::POST, &path).bearer_auth(token);
    let body = json!({"amount": "1.00", "account_id": from, "note": key});
    let response = request.header("idempotency-key", key).json(&body).send().await.ok()?;
    Some(response.status().as_u16())
}

/// Reads the transfers on the goal's account and the completed contributions.
async fn contributions_and_transfers(
    ana: &TestUser<'_>,
    goal: &str,
    savings: &str,
) -> (BTreeSet<String>, BTreeSet<String>, usize) {
    let contributions = ana.list_all(&format!("/api/v1/goals/{goal}/contributions?page_size=200")).await;
    let pending = contributions.iter().filter(|row| row["status"] == "pending").count();
    let done = contributions.iter().filter(|row| row["status"] == "done");
    let done = done.map(|row| row["transaction_id"].as_str().expect("an id").to_owned());
    // Read last: without pending contributions, no further transfer can follow.
    let transfers = ana.list_all(&format!("/api/v1/accounts/{savings}/transactions?page_size=200")).await;
    let transfers = transfers.iter().map(|row| row["id"].as_str().expect("an id").to_owned());
    (transfers.collect(), done.collect(), pending)
}

pub async fn contributions_and_their_transfers_are_atomic() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let random = Random::seeded(31);
    let (token, bank, savings, goal) = {
        let ana = TestUser::new(&system, "saver@example.com").await;
        let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "balance": "1000"})).await;
        let savings = ana.account(json!({"name": "Savings", "account_type": "bank"})).await;
        let goal = json!({"name": "Boat", "target_amount": "1000", "account_id": savings});
        let goal = ana.post("/api/v1/goals", goal).await.text("id");
        (ana.token().to_owned(), bank, savings, goal)
    };
    let client = system.client.clone();
    let keys: Vec<_> = (0..CONTRIBUTIONS).map(|number| format!("c{number}")).collect();
    let mut acknowledged = BTreeSet::new();
    for keys in keys.chunks(CONTRIBUTIONS.div_ceil(KILLS)) {
        // The number of responses so far, and of those without a definite result.
        let counts = watch::Sender::new((0, 0));
        let share = keys.len().div_ceil(WORKERS);
        let workers = keys.chunks(share).map(async |keys| {
            let mut done = Vec::new();
            for key in keys {
                match contribute(&client, &token, &goal, &bank, key).await {
                    Some(201) => done.push(key.clone()),
                    Some(503 | 504) | None => counts.send_modify(|(_, lost)| *lost += 1),
                    Some(other) => panic!("unexpected status {other} after a crash"),
                }
                counts.send_modify(|(count, _)| *count += 1);
            }
            done
        });
        // Killed while the workers run; they continue while the process is down and restarts.
        let moment = 10 + usize::from(random.bytes::<1>()[0]) % 40;
        let killing = async {
            let mut counts = counts.subscribe();
            counts.wait_for(|(count, _)| *count >= moment).await.expect("there are responses");
            system.kill_service("budget").await;
            counts.wait_for(|(_, lost)| *lost > 0).await.expect("a request fails");
            system.restart_service("budget");
        };
        let (done, ()) = tokio::join!(join_all(workers), killing);
        acknowledged.extend(done.into_iter().flatten());
        system.wait_until_ready().await;
    }
    assert!(acknowledged.len() < CONTRIBUTIONS);
    let ana = TestUser::with_existing_token(&system, &token);
    let (mut transfers, mut done, mut pending) = (BTreeSet::new(), BTreeSet::new(), 1);
    eventually("no contribution stays pending", async || {
        (transfers, done, pending) = contributions_and_transfers(&ana, &goal, &savings).await;
        pending == 0
    })
    .await;
    assert_eq!(transfers, done, "each contribution has its transfer");
    assert!(done.len() >= acknowledged.len());
    let current = ana.get(&format!("/api/v1/goals/{goal}")).await.text("current_amount");
    assert_eq!(current, format!("{}.00", done.len()));
    assert_eq!(ana.balance(&savings).await, current);

    // A client without a response repeats the request and has contributed once.
    for key in keys.iter().filter(|key| !acknowledged.contains(*key)) {
        assert_eq!(contribute(&client, &token, &goal, &bank, key).await, Some(201), "{key}");
    }
    let (transfers, done, pending) = contributions_and_transfers(&ana, &goal, &savings).await;
    assert_eq!((transfers.len(), done.len(), pending), (CONTRIBUTIONS, CONTRIBUTIONS, 0));
    assert_eq!(transfers, done);
    assert_eq!(ana.balance(&savings).await, "500.00");
    assert_eq!(ana.balance(&bank).await, "500.00");
    assert!(system.verify().await, "every invariant of the ledger holds");
}
