//! Kills under load: every acknowledged transaction exists once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Signal, System, signal};
use futures::future::join_all;
use kit_core::random::Random;
use serde_json::json;

use crate::BINARY;
use crate::support::{TestUser, elapse, eventually};

const KILLS: u32 = 10;
const WORKERS: u32 = 8;

/// The keys of a worker's requests, and whether each was acknowledged.
type SentRequests = HashMap<String, bool>;

/// Posts once and returns the status, if there was a response.
async fn post(client: &Client, token: &str, account: &str, key: &str) -> Option<u16> {
    let body = json!({"account_id": account, "type": "income", "amount": "1.00", "description": key});
    let request = client.request(reqwest::Method::POST, "/api/v1/transactions").bearer_auth(token);
    let response = request.header("idempotency-key", key).json(&body).send().await.ok()?;
    Some(response.status().as_u16())
}

/// Posts one transaction after the other until there is no response.
/// It counts those that are acknowledged.
async fn load(
    system: &System,
    (token, account): (&str, &str),
    (round, worker): (u32, u32),
    until: Option<u32>,
    count: &AtomicU32,
) -> SentRequests {
    let mut sent = SentRequests::new();
    for number in 0..until.unwrap_or(100_000) {
        let key = format!("r{round}w{worker}n{number}");
        let status = post(&system.client, token, account, &key).await;
        sent.insert(key, status == Some(201));
        match status {
            Some(201) => {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Some(503 | 504) => {}
            Some(other) => panic!("unexpected status {other} after a crash"),
            None => break,
        }
    }
    sent
}

/// Waits for 20 to 59 acknowledged transactions, and a random moment after them.
async fn wait_for_load(random: &Random, count: &AtomicU32) {
    let enough = 20 + u32::from(u16::from_le_bytes(random.bytes())) % 40;
    eventually("transactions are acknowledged", async || count.load(Ordering::Relaxed) >= enough).await;
    elapse(Duration::from_micros(u64::from(u16::from_le_bytes(random.bytes())) % 20_000)).await;
}

/// Checks that each acknowledged transaction exists and none is duplicated.
///
/// The others can be repeated, and the ledger verifies.
async fn check_and_repeat(system: &System, ana: &TestUser<'_>, account: &str, sent: &SentRequests) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for row in ana.list_all("/api/v1/transactions?page_size=200").await {
        *seen.entry(row["description"].as_str().expect("a key").to_owned()).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "no duplicates");
    for (key, acknowledged) in sent {
        assert!(!acknowledged || seen.contains_key(key), "{key} was acknowledged and is missing");
        if !acknowledged {
            assert_eq!(post(&system.client, ana.token(), account, key).await, Some(201), "repeated request");
        }
    }
    let rows = ana.list_all("/api/v1/transactions?page_size=200").await;
    assert_eq!(rows.len(), sent.len(), "each transaction once");
    let balance = ana.get(&format!("/api/v1/accounts/{account}")).await.text("balance");
    assert_eq!(balance, format!("{}.00", sent.len()));
    assert!(system.verify().await, "every invariant of the ledger holds");
}

pub async fn the_system_is_killed_ten_times_while_it_posts() {
    let mut system = System::start(BINARY, Layout::OneProcess).await;
    let random = Random::seeded(11);
    let (token, account) = {
        let ana = TestUser::new(&system, "crash@example.com").await;
        let account = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
        (ana.token().to_owned(), account)
    };
    let mut sent = SentRequests::new();
    for round in 0..KILLS {
        let pids = system.pids();
        let count = AtomicU32::new(0);
        let workers =
            (0..WORKERS).map(|worker| load(&system, (&token, &account), (round, worker), None, &count));
        let (loads, ()) = tokio::join!(join_all(workers), async {
            wait_for_load(&random, &count).await;
            for pid in &pids {
                assert!(signal(Signal::KILL, *pid), "the process runs");
            }
        });
        sent.extend(loads.into_iter().flatten());
        system.kill().await;
        system.restart().await;
    }
    let ana = TestUser::with_existing_token(&system, &token);
    check_and_repeat(&system, &ana, &account, &sent).await;
}

/// Lists the server processes of the system's PostgreSQL that serve ledger-svc.
fn ledger_backends(postmaster: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{postmaster}");
    let is_ours = |pid: &u32| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("status").lines().any(|line| line == parent) && read("cmdline").contains("ledger_app")
    };
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
}

pub async fn postgresql_is_killed_ten_times_while_the_system_posts() {
    let mut system = System::start(BINARY, Layout::OneProcess).await;
    let random = Random::seeded(12);
    let (token, account) = {
        let ana = TestUser::new(&system, "plug@example.com").await;
        let account = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
        (ana.token().to_owned(), account)
    };
    let mut sent = SentRequests::new();
    for round in 0..KILLS {
        let postmaster = system.postgres_pid().expect("PostgreSQL runs");
        let whole = round % 2 == 0;
        // One killed backend makes PostgreSQL end all sessions and recover while the system keeps
        // running; a killed server ends the system.
        let until = if whole { None } else { Some(60) };
        let count = AtomicU32::new(0);
        let workers =
            (0..WORKERS).map(|worker| load(&system, (&token, &account), (round, worker), until, &count));
        let (loads, ()) = tokio::join!(join_all(workers), async {
            wait_for_load(&random, &count).await;
            if whole {
                assert!(signal(Signal::KILL, postmaster), "the process runs");
            } else {
                let backend =
                    ledger_backends(postmaster).into_iter().next().expect("the ledger is connected");
                assert!(signal(Signal::KILL, backend), "the process runs");
            }
        });
        sent.extend(loads.into_iter().flatten());
        if whole {
            system.wait_until_ended().await;
            system.restart().await;
        } else {
            system.wait_until_ready().await;
        }
    }
    let ana = TestUser::with_existing_token(&system, &token);
    check_and_repeat(&system, &ana, &account, &sent).await;
}
