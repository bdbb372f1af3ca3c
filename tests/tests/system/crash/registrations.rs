//! Kills the whole system while users register.
//!
//! Nothing acknowledged is lost, no process keeps running, and the next start recovers.

use std::path::Path;
use std::time::Duration;

use fintrac_tests::client::unique_address;
use fintrac_tests::system::{Layout, Signal, System, signal};
use futures::future::join_all;
use kit_core::random::Random;
use serde_json::json;

use crate::BINARY;
use crate::support::{elapse, eventually};

const KILLS: u32 = 10;

/// Registers users until the system is killed; returns the acknowledged ones.
async fn register_until_killed(system: &System, round: u32, worker: u32) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..1000 {
        let email = format!("r{round}w{worker}n{number}@example.com");
        let body = json!({"email": email, "password": "correct horse battery", "first_name": "Ana", "last_name": "Gil"});
        let request = system.client.request(reqwest::Method::POST, "/api/v1/auth/register").json(&body);
        let request = request.header("x-forwarded-for", unique_address());
        match request.send().await {
            Ok(response) if response.status() == 202 => acknowledged.push(email),
            // A 5xx status of a system that is being killed is no acknowledgment.
            Ok(_) => {}
            Err(_killed) => break,
        }
    }
    acknowledged
}

pub async fn ten_kills_lose_no_acknowledged_registration() {
    let mut system = System::start(BINARY, Layout::OneProcess).await;
    let random = Random::seeded(7);
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let postgres = system.postgres_pid().expect("PostgreSQL runs");
        let [low, high] = random.bytes();
        let moment = Duration::from_millis(u64::from(u16::from_le_bytes([low, high])) % 1500);
        // Applies load and kills the system at a random moment.
        let load = join_all((0..4).map(|worker| register_until_killed(&system, round, worker)));
        let pids = system.pids();
        let (registered, ()) = tokio::join!(load, async {
            elapse(moment).await;
            for pid in &pids {
                assert!(signal(Signal::KILL, *pid), "the process runs");
            }
        });
        system.kill().await;
        acknowledged.extend(registered.into_iter().flatten());
        wait_until_gone(postgres).await;
        system.restart().await;
    }
    for email in &acknowledged {
        let token = system.mailbox.wait("verification", email).await.token();
        let response = system.client.post("/api/v1/auth/verify-email", json!({"token": token})).await;
        assert_eq!(response.status, 204, "{email}: {response:?}");
    }
    let last = acknowledged.last().expect("some registrations were acknowledged");
    assert_eq!(system.client.login(last).await.status, 200);
}

/// Waits until the supervisor has stopped PostgreSQL after its owner was killed.
async fn wait_until_gone(pid: u32) {
    let process = format!("/proc/{pid}");
    eventually("PostgreSQL stops with its owner", async || !Path::new(&process).exists()).await;
}
