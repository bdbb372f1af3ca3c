//! Every process is restarted, one after the other, while users send requests.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Settings, System};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::BINARY;
use crate::support::TestUser;

/// The number of concurrent users.
const USERS: usize = 8;
/// The minimum number of calls per user between two restarts.
const CALLS_BETWEEN_RESTARTS: usize = 5;

/// A gateway, and whether a load balancer would send requests to it.
struct GatewayEndpoint {
    client: Client,
    is_open: AtomicBool,
}

/// Checks the readiness of a gateway, like a load balancer.
async fn watch(endpoint: &GatewayEndpoint) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let response = endpoint.client.request(Method::GET, "/health/ready").send().await;
        endpoint
            .is_open
            .store(response.is_ok_and(|response| response.status().is_success()), Ordering::SeqCst);
    }
}

/// The shared state of all users.
#[derive(Default)]
struct RequestStats {
    calls: AtomicUsize,
    more: Notify,
    stop: AtomicBool,
}

/// Calls all services in turn until stopped; returns ids and errors.
async fn call(
    number: usize,
    endpoints: Arc<[GatewayEndpoint; 2]>,
    seen: Arc<RequestStats>,
    token: String,
    account: String,
) -> (Vec<String>, Vec<String>) {
    let (mut recorded, mut wrong) = (Vec::new(), Vec::new());
    for round in number.. {
        if seen.stop.load(Ordering::SeqCst) {
            break;
        }
        let open: Vec<_> =
            endpoints.iter().filter(|endpoint| endpoint.is_open.load(Ordering::SeqCst)).collect();
        let endpoint = open.get(round % open.len().max(1)).copied().unwrap_or(&endpoints[0]);
        let (method, path) = match round % 5 {
            0 | 2 => (Method::POST, "/api/v1/transactions"),
            1 => (Method::GET, "/api/v1/budgets/summary"),
            3 => (Method::GET, "/api/v1/notifications"),
            _ => (Method::GET, "/api/v1/users/me"),
        };
        let mut request = endpoint.client.request(method.clone(), path).bearer_auth(&token);
        if method == Method::POST {
            request = request.json(&json!({"account_id": account, "type": "income", "amount": "1"}));
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => {
                let body: Value = response.json().await.unwrap_or_default();
                if method == Method::POST {
                    recorded.push(body["id"].as_str().unwrap_or_default().to_owned());
                }
            }
            Ok(response) => {
                let status = response.status();
                wrong
                    .push(format!("{method} {path}: {status} {}", response.text().await.unwrap_or_default()));
            }
            Err(error) => wrong.push(format!("{method} {path}: {error:?}")),
        }
        seen.calls.fetch_add(1, Ordering::SeqCst);
        seen.more.notify_one();
    }
    (recorded, wrong)
}

pub async fn a_rolling_restart_fails_no_request() {
    let settings = Settings {
        environment: vec![("FINTRAC_SHUTDOWN_DELAY", "1".to_owned())],
        replicas: &[("auth", 2), ("ledger", 2), ("budget", 2), ("notify", 2)],
        ..Settings::default()
    };
    let mut system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let second = system.start_gateway(None).await;
    let (token, account) = {
        let ana = TestUser::new(&system, "rolling@example.com").await;
        let account = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
        (ana.token().to_owned(), account)
    };
    let clients = [system.client.clone(), Client::new(&format!("http://{second}"))];
    let endpoints =
        Arc::new(clients.map(|client| GatewayEndpoint { client, is_open: AtomicBool::new(true) }));
    let watches: Vec<_> = (0..2)
        .map(|index| {
            let endpoints = Arc::clone(&endpoints);
            tokio::spawn(async move { watch(&endpoints[index]).await })
        })
        .collect();
    let seen = Arc::new(RequestStats::default());
    let users: Vec<_> = (0..USERS)
        .map(|number| {
            let (endpoints, seen) = (Arc::clone(&endpoints), Arc::clone(&seen));
            tokio::spawn(call(number, endpoints, seen, token.clone(), account.clone()))
        })
        .collect();
    for index in 0..system.processes().len() {
        let goal = seen.calls.load(Ordering::SeqCst) + USERS * CALLS_BETWEEN_RESTARTS;
        while seen.calls.load(Ordering::SeqCst) < goal {
            seen.more.notified().await;
        }
        system.restart_process_gracefully(index).await;
    }
    seen.stop.store(true, Ordering::SeqCst);
    let (mut recorded, mut wrong) = (HashSet::new(), Vec::new());
    for user in users {
        let (ids, errors) = user.await.expect("no panic");
        recorded.extend(ids);
        wrong.extend(errors);
    }
    watches.iter().for_each(tokio::task::JoinHandle::abort);
    let calls = seen.calls.load(Ordering::SeqCst);
    assert!(wrong.is_empty(), "{} of {calls} failed: {wrong:#?}", wrong.len());
    let ana = TestUser::with_existing_token(&system, &token);
    let balance = ana.get(&format!("/api/v1/accounts/{account}")).await.text("balance");
    assert_eq!(balance, format!("{}.00", recorded.len()), "each transaction is recorded once");
    assert!(system.verify().await);
    system.terminate().await;
}
