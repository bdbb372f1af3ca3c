//! The bank's customers: each does one thing after the other, knows what must
//! be true, and asks again until there is a definite answer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fintrac_kit::random::Random;
use fintrac_tests::client::Client;
use fintrac_tests::suite::Suite;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harm::pause;

/// How long one thing may take, however often it is asked for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one answer may take.
const ONE_TRY: Duration = Duration::from_secs(12);
/// Cents that the watched category may be spent up to.
pub const LIMIT: i64 = 100_000;

/// How the asking went.
#[derive(Default)]
pub struct Counts {
    asked: AtomicU64,
    unanswered: AtomicU64,
    slowest: Mutex<Duration>,
    finished: Mutex<BTreeMap<usize, u64>>,
}

impl Counts {
    pub fn finished(&self) -> BTreeMap<usize, u64> {
        self.finished.lock().expect("no panic").clone()
    }

    /// Completes when each customer has finished two more operations than `before`:
    /// the one under way, and one that began after.
    pub async fn each_one_more(&self, customers: usize, before: &BTreeMap<usize, u64>) {
        let count = |counts: &BTreeMap<usize, u64>, at| counts.get(&at).copied().unwrap_or_default();
        loop {
            let now = self.finished();
            if (0..customers).all(|at| count(&now, at) >= count(before, at) + 2) {
                return;
            }
            pause(Duration::from_millis(50)).await;
        }
    }

    pub fn told(&self, during: Duration) -> String {
        let (asked, unanswered) =
            (self.asked.load(Ordering::Relaxed), self.unanswered.load(Ordering::Relaxed));
        let done: u64 = self.finished().values().sum();
        let available = (asked - unanswered) * 10_000 / asked.max(1);
        format!(
            "{done} operations in {:.0} s by {asked} requests, {unanswered} without a definite answer \
             (availability {}.{:02} %), the longest operation took {:.1} s",
            during.as_secs_f64(),
            available / 100,
            available % 100,
            self.slowest.lock().expect("no panic").as_secs_f64()
        )
    }
}

/// A transaction as it must be.
#[derive(Debug, Clone)]
pub struct Entry {
    pub account: usize,
    pub cents: i64,
    pub is_voided: bool,
}

pub struct Customer {
    number: usize,
    pub token: String,
    pub accounts: Vec<String>,
    watched: String,
    random: Random,
    sent: u64,
    /// Cents, by account.
    pub balances: Vec<i64>,
    /// Expenses that may be edited and voided, by id.
    pub entries: BTreeMap<String, Entry>,
    /// Ids of everything else that was posted.
    pub others: Vec<String>,
    /// Spent on the watched category, which only grows.
    pub watched_spent: i64,
}

impl Customer {
    /// Registers and opens accounts, before anything goes wrong.
    pub async fn join(suite: &Suite, number: usize, random: Random) -> anyhow::Result<Self> {
        let (client, email) = (&suite.client, format!("customer{number}@example.com"));
        client.register(&email).await;
        let link = suite.mailbox.wait("verification", &email).await.token();
        client.post("/api/v1/auth/verify-email", json!({"token": link})).await;
        let login = client.login(&email).await;
        ensure!(login.status == 200, "{login:?}");
        let token = login.text("access_token");
        let mut accounts = Vec::new();
        for name in ["One", "Two", "Three"] {
            let body = json!({"name": name, "account_type": "bank", "balance": "1000.00"});
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
        Ok(Self {
            number,
            token,
            accounts,
            watched,
            random,
            sent: 0,
            balances: vec![100_000; 3],
            entries: BTreeMap::new(),
            others: Vec::new(),
            watched_spent: 0,
        })
    }

    /// Does one thing after the other until told to stop.
    pub async fn work(
        &mut self,
        client: &Client,
        counts: &Counts,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let started = tokio::time::Instant::now();
            let done = tokio::time::timeout(PATIENCE, self.act(client, counts)).await;
            done.with_context(|| format!("customer {} got no definite answer", self.number))??;
            let mut slowest = counts.slowest.lock().expect("no panic");
            *slowest = (*slowest).max(started.elapsed());
            drop(slowest);
            *counts.finished.lock().expect("no panic").entry(self.number).or_default() += 1;
        }
        Ok(())
    }

    async fn act(&mut self, client: &Client, counts: &Counts) -> anyhow::Result<()> {
        let (account, amount) = (self.below(3), 1 + i64::try_from(self.below(5_000))?);
        match self.below(12) {
            0..=3 => {
                let body =
                    json!({"account_id": self.accounts[account], "type": "expense", "amount": cents(amount)});
                let made = self.create(client, counts, "/api/v1/transactions", body).await?;
                self.balances[account] -= amount;
                self.entries.insert(id(&made)?, Entry { account, cents: amount, is_voided: false });
            }
            4 => {
                let body =
                    json!({"account_id": self.accounts[account], "type": "income", "amount": cents(amount)});
                let made = self.create(client, counts, "/api/v1/transactions", body).await?;
                self.balances[account] += amount;
                self.others.push(id(&made)?);
            }
            5 | 6 => {
                let to = (account + 1) % 3;
                let body = json!({"account_id": self.accounts[account], "to_account_id": self.accounts[to],
                    "type": "transfer", "amount": cents(amount)});
                let made = self.create(client, counts, "/api/v1/transactions", body).await?;
                self.balances[account] -= amount;
                self.balances[to] += amount;
                self.others.push(id(&made)?);
            }
            7 if self.watched_spent < LIMIT => {
                let body = json!({"account_id": self.accounts[account], "type": "expense",
                    "amount": cents(amount), "category_id": self.watched});
                let made = self.create(client, counts, "/api/v1/transactions", body).await?;
                self.balances[account] -= amount;
                self.watched_spent += amount;
                self.others.push(id(&made)?);
            }
            8 | 9 => self.edit(client, counts, amount).await?,
            10 => self.void(client, counts).await?,
            _ => self.bulk(client, counts, account, amount).await?,
        }
        Ok(())
    }

    async fn edit(&mut self, client: &Client, counts: &Counts, amount: i64) -> anyhow::Result<()> {
        let Some(id) = self.some_entry() else { return Ok(()) };
        let path = format!("/api/v1/transactions/{id}");
        let (status, answer) =
            self.ask(client, counts, Method::PATCH, &path, &json!({"amount": cents(amount)}), None).await?;
        ensure!(status == 200, "PATCH {path}: {status} {answer}");
        let entry = self.entries.get_mut(&id).context("it is ours")?;
        self.balances[entry.account] += entry.cents - amount;
        entry.cents = amount;
        Ok(())
    }

    async fn void(&mut self, client: &Client, counts: &Counts) -> anyhow::Result<()> {
        let Some(id) = self.some_entry() else { return Ok(()) };
        let path = format!("/api/v1/transactions/{id}");
        let (status, answer) = self.ask(client, counts, Method::DELETE, &path, &Value::Null, None).await?;
        // An answer that was lost is told by the next: it is voided already.
        let is_done = status == 204 || answer["code"] == "TRANSACTION_VOIDED";
        ensure!(is_done, "DELETE {path}: {status} {answer}");
        let entry = self.entries.get_mut(&id).context("it is ours")?;
        self.balances[entry.account] += entry.cents;
        entry.is_voided = true;
        Ok(())
    }

    async fn bulk(
        &mut self,
        client: &Client,
        counts: &Counts,
        account: usize,
        amount: i64,
    ) -> anyhow::Result<()> {
        let operation = json!({"op": "create", "account_id": self.accounts[account], "type": "expense",
            "amount": cents(amount)});
        let body = json!({"mode": "atomic", "operations": vec![operation; 5]});
        let answer = self.create(client, counts, "/api/v1/transactions/bulk", body).await?;
        let results = answer["results"].as_array().context("results")?;
        ensure!(results.len() == 5, "{answer}");
        for result in results {
            self.balances[account] -= amount;
            self.others.push(id(&result["transaction"])?);
        }
        Ok(())
    }

    /// One that stands, by chance.
    fn some_entry(&self) -> Option<String> {
        let standing: Vec<_> = self.entries.iter().filter(|(_, entry)| !entry.is_voided).collect();
        (!standing.is_empty()).then(|| standing[self.below(standing.len())].0.clone())
    }

    async fn create(
        &mut self,
        client: &Client,
        counts: &Counts,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Value> {
        self.sent += 1;
        let key = format!("c{}n{}", self.number, self.sent);
        let (status, answer) = self.ask(client, counts, Method::POST, path, &body, Some(&key)).await?;
        ensure!(status == 200 || status == 201, "POST {path}: {status} {answer}");
        Ok(answer)
    }

    /// Asks until somebody says yes or no.
    async fn ask(
        &self,
        client: &Client,
        counts: &Counts,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> anyhow::Result<(u16, Value)> {
        loop {
            let mut request = client.request(method.clone(), path).bearer_auth(&self.token).timeout(ONE_TRY);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if !body.is_null() {
                request = request.json(body);
            }
            counts.asked.fetch_add(1, Ordering::Relaxed);
            if let Ok(answer) = request.send().await {
                let status = answer.status().as_u16();
                if let Ok(text) = answer.text().await {
                    match status {
                        503 | 504 => {}
                        500 => bail!("{method} {path}: {text}"),
                        _ => return Ok((status, serde_json::from_str(&text).unwrap_or_default())),
                    }
                }
            }
            counts.unanswered.fetch_add(1, Ordering::Relaxed);
            pause(Duration::from_millis(50 + u64::try_from(self.below(200))?)).await;
        }
    }

    fn below(&self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.random.bytes())) % end
    }
}

fn id(transaction: &Value) -> anyhow::Result<String> {
    Ok(transaction["id"].as_str().with_context(|| format!("no id in {transaction}"))?.to_owned())
}

pub fn cents(minor: i64) -> String {
    format!("{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)
}
