//! The bank's customers, each with several devices.
//!
//! A device runs one operation after the other, keeps a model of the expected state, and repeats
//! a request until the response is definite.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fintrac_tests::client::Client;
use fintrac_tests::system::System;
use kit_core::random::Random;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fault_injector::pause;

/// The number of devices per customer, used concurrently.
pub const DEVICES: usize = 4;
/// The maximum duration of one operation, including all repetitions.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);
/// The timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// The initial balance of each account in cents.
pub const OPENING: i64 = 100_000;
/// The number of budgets that a device creates and keeps.
const MAX_BUDGETS: usize = 20;
/// The limit in cents up to which the watched category is spent.
pub const LIMIT: i64 = 100_000;

/// Statistics of the requests.
#[derive(Default)]
pub struct Counts {
    requests: AtomicU64,
    failures: AtomicU64,
    slowest: Mutex<Duration>,
    finished: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    pub fn finished(&self) -> BTreeMap<String, u64> {
        self.finished.lock().expect("no panic").clone()
    }

    /// Waits until each device has finished two more operations than in `before`.
    ///
    /// These are the one in progress, and one that started later.
    pub async fn wait_for_progress(&self, devices: usize, before: &BTreeMap<String, u64>) {
        let earlier = |device: &str| before.get(device).copied().unwrap_or_default();
        loop {
            let now = self.finished();
            if now.iter().filter(|(device, count)| **count >= earlier(device) + 2).count() == devices {
                return;
            }
            pause(Duration::from_millis(50)).await;
        }
    }

    pub fn summary(&self, during: Duration) -> String {
        let (sent, failed) = (self.requests.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed));
        let done: u64 = self.finished().values().sum();
        let available = (sent - failed) * 10_000 / sent.max(1);
        format!(
            "{done} operations in {:.0} s by {sent} requests, {failed} without a definite response \
             (availability {}.{:02}%), the longest operation took {:.1} s",
            during.as_secs_f64(),
            available / 100,
            available % 100,
            self.slowest.lock().expect("no panic").as_secs_f64()
        )
    }
}

/// The expected state of a transaction.
#[derive(Debug, Clone)]
pub struct ExpectedTransaction {
    pub account: usize,
    pub cents: i64,
    pub is_voided: bool,
}

/// A definite response.
#[derive(Debug)]
struct ApiResponse {
    status: u16,
    etag: String,
    body: Value,
}

/// A customer on one device, or the merged state of all devices.
pub struct Customer {
    device: String,
    pub token: String,
    pub accounts: Vec<String>,
    watched: String,
    random: Random,
    sent: u64,
    /// The net change in cents, by account.
    pub moved: Vec<i64>,
    /// Expenses that can be edited and voided, by id.
    pub entries: BTreeMap<String, ExpectedTransaction>,
    /// The ids of all other posted transactions.
    pub others: Vec<String>,
    /// The amount spent in the watched category, in cents; it only grows.
    pub watched_spent: i64,
    /// The number of budgets that are kept.
    budgets: usize,
}

impl Customer {
    /// Registers a customer and opens accounts, before any fault.
    ///
    /// `randoms` has one generator per device.
    pub async fn join(
        system: &System,
        number: usize,
        randoms: [Random; DEVICES],
    ) -> anyhow::Result<[Self; DEVICES]> {
        let (client, email) = (&system.client, format!("customer{number}@example.com"));
        client.register(&email).await;
        let link = system.mailbox.wait("verification", &email).await.token();
        client.post("/api/v1/auth/verify-email", json!({"token": link})).await;
        let login = client.login(&email).await;
        ensure!(login.status == 200, "{login:?}");
        let token = login.text("access_token");
        let mut accounts = Vec::new();
        for name in ["One", "Two", "Three"] {
            let body = json!({"name": name, "account_type": "bank", "balance": cents(OPENING)});
            let opened = client.post_json_as(&token, "/api/v1/accounts", body).await;
            ensure!(opened.status == 201, "{opened:?}");
            accounts.push(opened.text("id"));
        }
        let category = json!({"name": "Watched", "type": "expense"});
        let watched = client.post_json_as(&token, "/api/v1/categories", category).await.text("id");
        let budget = json!({"name": "Watched", "amount": cents(LIMIT), "category_id": watched,
            "frequency": "yearly", "alert_thresholds": [5, 10, 20, 40, 80, 100]});
        let budget = client.post_json_as(&token, "/api/v1/budgets", budget).await;
        ensure!(budget.status == 201, "{budget:?}");
        let mut devices = 0;
        Ok(randoms.map(|random| Self {
            device: {
                devices += 1;
                format!("customer{number}-device{devices}")
            },
            token: token.clone(),
            accounts: accounts.clone(),
            watched: watched.clone(),
            random,
            sent: 0,
            moved: vec![0; 3],
            entries: BTreeMap::new(),
            others: Vec::new(),
            watched_spent: 0,
            budgets: 0,
        }))
    }

    /// Merges the state of all devices.
    pub fn together([mut all, others @ ..]: [Self; DEVICES]) -> Self {
        for mut other in others {
            for (moved, more) in all.moved.iter_mut().zip(other.moved) {
                *moved += more;
            }
            all.entries.append(&mut other.entries);
            all.others.append(&mut other.others);
            all.watched_spent += other.watched_spent;
        }
        all
    }

    /// Runs operations until stopped.
    pub async fn work(
        &mut self,
        clients: &[Client],
        counts: &Counts,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let started = tokio::time::Instant::now();
            let done = tokio::time::timeout(OPERATION_TIMEOUT, self.act(clients, counts)).await;
            done.with_context(|| format!("{} got no definite response", self.device))??;
            let mut slowest = counts.slowest.lock().expect("no panic");
            *slowest = (*slowest).max(started.elapsed());
            drop(slowest);
            *counts.finished.lock().expect("no panic").entry(self.device.clone()).or_default() += 1;
        }
        Ok(())
    }

    async fn act(&mut self, clients: &[Client], counts: &Counts) -> anyhow::Result<()> {
        let (account, amount) = (self.random_below(3), 1 + i64::try_from(self.random_below(5_000))?);
        match self.random_below(13) {
            0..=3 => {
                let body =
                    json!({"account_id": self.accounts[account], "type": "expense", "amount": cents(amount)});
                let made = self.create(clients, counts, "/api/v1/transactions", body).await?;
                self.moved[account] -= amount;
                self.entries
                    .insert(id(&made)?, ExpectedTransaction { account, cents: amount, is_voided: false });
            }
            4 => {
                let body =
                    json!({"account_id": self.accounts[account], "type": "income", "amount": cents(amount)});
                let made = self.create(clients, counts, "/api/v1/transactions", body).await?;
                self.moved[account] += amount;
                self.others.push(id(&made)?);
            }
            5 | 6 => {
                let to = (account + 1) % 3;
                let body = json!({"account_id": self.accounts[account], "to_account_id": self.accounts[to],
                    "type": "transfer", "amount": cents(amount)});
                let made = self.create(clients, counts, "/api/v1/transactions", body).await?;
                self.moved[account] -= amount;
                self.moved[to] += amount;
                self.others.push(id(&made)?);
            }
            7 if self.watched_spent < LIMIT => {
                let body = json!({"account_id": self.accounts[account], "type": "expense",
                    "amount": cents(amount), "category_id": self.watched});
                let made = self.create(clients, counts, "/api/v1/transactions", body).await?;
                self.moved[account] -= amount;
                self.watched_spent += amount;
                self.others.push(id(&made)?);
            }
            8 | 9 => self.edit(clients, counts, amount).await?,
            10 => self.void(clients, counts).await?,
            11 => self.add_budget(clients, counts).await?,
            _ => self.bulk(clients, counts, account, amount).await?,
        }
        Ok(())
    }

    async fn edit(&mut self, clients: &[Client], counts: &Counts, amount: i64) -> anyhow::Result<()> {
        let Some(id) = self.random_entry() else { return Ok(()) };
        let path = format!("/api/v1/transactions/{id}");
        let seen = self.request(clients, counts, Method::GET, &path, &Value::Null, None).await?;
        ensure!(seen.status == 200, "GET {path}: {seen:?}");
        // The version keeps an attempt that is still in transit from undoing a later edit.
        let version = Some(("if-match", &*seen.etag));
        let body = json!({"amount": cents(amount)});
        let edited = self.request(clients, counts, Method::PATCH, &path, &body, version).await?;
        // If the response was lost, the repeated request finds a new version.
        let is_done = edited.status == 200 || edited.status == 412;
        ensure!(is_done, "PATCH {path}: {edited:?}");
        let entry = self.entries.get_mut(&id).context("the entry is known")?;
        self.moved[entry.account] += entry.cents - amount;
        entry.cents = amount;
        Ok(())
    }

    async fn void(&mut self, clients: &[Client], counts: &Counts) -> anyhow::Result<()> {
        let Some(id) = self.random_entry() else { return Ok(()) };
        let path = format!("/api/v1/transactions/{id}");
        let voided = self.request(clients, counts, Method::DELETE, &path, &Value::Null, None).await?;
        // If the response was lost, the repeated request succeeds: a voided transaction stays voided.
        let is_done = voided.status == 204;
        ensure!(is_done, "DELETE {path}: {voided:?}");
        let entry = self.entries.get_mut(&id).context("the entry is known")?;
        self.moved[entry.account] += entry.cents;
        entry.is_voided = true;
        Ok(())
    }

    async fn bulk(
        &mut self,
        clients: &[Client],
        counts: &Counts,
        account: usize,
        amount: i64,
    ) -> anyhow::Result<()> {
        let operation = json!({"op": "create", "account_id": self.accounts[account], "type": "expense",
            "amount": cents(amount)});
        let body = json!({"mode": "atomic", "operations": vec![operation; 5]});
        let response = self.create(clients, counts, "/api/v1/transactions/bulk", body).await?;
        let results = response["results"].as_array().context("results")?;
        ensure!(results.len() == 5, "{response}");
        for result in results {
            self.moved[account] -= amount;
            self.others.push(id(&result["transaction"])?);
        }
        Ok(())
    }

    /// Creates a budget, then merges its category or deletes the budget.
    async fn add_budget(&mut self, clients: &[Client], counts: &Counts) -> anyhow::Result<()> {
        let mut categories = Vec::new();
        for _ in 0..2 {
            let name = format!("{} {}", self.device, self.sent);
            let body = json!({"name": name, "type": "expense"});
            categories.push(id(&self.create(clients, counts, "/api/v1/categories", body).await?)?);
        }
        let [category, other] = [&categories[0], &categories[1]].map(|id| format!("/api/v1/categories/{id}"));
        let body = json!({"name": "Plan", "amount": "10.00", "category_id": categories[0],
            "frequency": "monthly", "alert_thresholds": []});
        let made = self.create(clients, counts, "/api/v1/budgets", body).await?;
        let budget = format!("/api/v1/budgets/{}", id(&made)?);
        let delete = async |path: &str, expected: &[u16]| {
            let deleted = self.request(clients, counts, Method::DELETE, path, &Value::Null, None).await?;
            ensure!(expected.contains(&deleted.status), "DELETE {path}: {deleted:?}");
            Ok(deleted.status)
        };
        delete(&category, &[409]).await?;
        // If the response was lost, the repeated request finds it deleted.
        let gone = [204, 404];
        if self.budgets < MAX_BUDGETS {
            delete(&format!("{category}?move_to={}", categories[1]), &gone).await?;
            delete(&other, &[409]).await?;
            self.budgets += 1;
        } else {
            delete(&budget, &gone).await?;
            // The ledger is notified later when a service was down.
            delete(&category, &[204, 404, 409]).await?;
            delete(&other, &gone).await?;
        }
        Ok(())
    }

    /// Picks a random transaction that is not voided.
    fn random_entry(&self) -> Option<String> {
        let posted: Vec<_> = self.entries.iter().filter(|(_, entry)| !entry.is_voided).collect();
        (!posted.is_empty()).then(|| posted[self.random_below(posted.len())].0.clone())
    }

    async fn create(
        &mut self,
        clients: &[Client],
        counts: &Counts,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Value> {
        self.sent += 1;
        let key = format!("{}-{}", self.device, self.sent);
        let key = Some(("idempotency-key", &*key));
        let response = self.request(clients, counts, Method::POST, path, &body, key).await?;
        ensure!(response.status == 200 || response.status == 201, "POST {path}: {response:?}");
        Ok(response.body)
    }

    /// Sends a request to random gateways until the response is definite.
    async fn request(
        &self,
        clients: &[Client],
        counts: &Counts,
        method: Method,
        path: &str,
        body: &Value,
        header: Option<(&str, &str)>,
    ) -> anyhow::Result<ApiResponse> {
        loop {
            let client = &clients[self.random_below(clients.len())];
            let mut request =
                client.request(method.clone(), path).bearer_auth(&self.token).timeout(REQUEST_TIMEOUT);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            if !body.is_null() {
                request = request.json(body);
            }
            counts.requests.fetch_add(1, Ordering::Relaxed);
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok());
                let etag = etag.unwrap_or_default().to_owned();
                if let Ok(text) = response.text().await {
                    match status {
                        503 | 504 => {}
                        500 => bail!("{method} {path}: {text}"),
                        _ => {
                            let body = serde_json::from_str(&text).unwrap_or_default();
                            return Ok(ApiResponse { status, etag, body });
                        }
                    }
                }
            }
            counts.failures.fetch_add(1, Ordering::Relaxed);
            pause(Duration::from_millis(50 + u64::try_from(self.random_below(200))?)).await;
        }
    }

    fn random_below(&self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.random.bytes())) % end
    }
}

fn id(transaction: &Value) -> anyhow::Result<String> {
    Ok(transaction["id"].as_str().with_context(|| format!("no id in {transaction}"))?.to_owned())
}

pub fn cents(minor: i64) -> String {
    format!("{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)
}
