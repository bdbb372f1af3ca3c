//! Kills the whole system.
//!
//! Nothing acknowledged is lost, no process keeps running, and the next start recovers.

use std::time::Duration;

use fintrac_kit::random::Random;
use fintrac_tests::client::unique_address;
use fintrac_tests::system::{Layout, Signal, System, coverage_variable, signal};
use futures::future::join_all;
use serde_json::json;

use crate::BINARY;

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

#[tokio::test]
async fn ten_kills_lose_no_acknowledged_registration() {
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
            let _elapsed = tokio::time::timeout(moment, std::future::pending::<()>()).await;
            kill(&pids);
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

fn kill(pids: &[u32]) {
    for pid in pids {
        assert!(signal(Signal::KILL, *pid), "the process runs");
    }
}

/// Waits until the supervisor has stopped PostgreSQL after its owner was killed.
async fn wait_until_gone(pid: u32) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let gone = async {
        while std::path::Path::new(&format!("/proc/{pid}")).exists() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("PostgreSQL stops with its owner");
}

#[tokio::test]
async fn a_second_system_on_the_same_folder_is_rejected() {
    let system = System::start(BINARY, Layout::OneProcess).await;
    let output = tokio::process::Command::new(BINARY)
        .arg("fintrac")
        .current_dir(system.data_dir())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(coverage_variable())
        .env("FINTRAC_DATA_DIR", system.data_dir())
        .env("SERVER_PORT", "0")
        .env("GRPC_LISTEN", "127.0.0.1:0")
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(Duration::from_secs(30), output).await.expect("it exits").expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && log.contains("in use by another running instance"), "{log}");
    assert_eq!(system.client.get("/health/ready").await.status, 200, "the first system is not affected");
}
