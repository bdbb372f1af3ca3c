//! Clients that record transactions over REST.
//!
//! They write HTTP directly: on a small machine, a full HTTP client would cost as much as the
//! server.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fintrac_tests::client::Client;
use fintrac_tests::system::System;
use futures::future::try_join_all;
use kit_core::random::Random;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::run_results::RunResults;

const HOUSEHOLDS: usize = 100;
const ACCOUNTS: usize = 10;
/// The number of transactions per bulk request.
pub const BULK_OPERATIONS: usize = 1000;
/// The paths that users read.
const READS: [&str; 6] = [
    "/api/v1/accounts",
    "/api/v1/transactions?page_size=20",
    "/api/v1/budgets/summary",
    "/api/v1/analytics/spending",
    "/api/v1/notifications?unread=true",
    "/api/v1/users/me",
];
/// The number of concurrent registrations.
const CONCURRENT_REGISTRATIONS: usize = 4;

pub struct Workload {
    /// The addresses of the gateways; clients are distributed over them.
    addresses: Vec<String>,
    /// A prepared request for each account.
    requests: Vec<Vec<u8>>,
    /// A prepared bulk request for each household.
    bulks: Vec<Vec<u8>>,
    /// The prepared read requests of each household.
    reads: Vec<Vec<u8>>,
}

impl Workload {
    /// Creates 100 households with 10 accounts each.
    pub async fn prepare(system: &System) -> anyhow::Result<Self> {
        let (mut requests, mut bulks, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        let numbers: Vec<_> = (0..HOUSEHOLDS).collect();
        for group in numbers.chunks(CONCURRENT_REGISTRATIONS) {
            let opened = try_join_all(group.iter().map(|number| household(system, *number))).await?;
            for household in opened {
                requests.extend(household.writes);
                bulks.push(household.bulk);
                reads.extend(household.reads);
            }
        }
        Ok(Self { addresses: vec![system.client.address().to_owned()], requests, bulks, reads })
    }

    /// Returns the same workload for other gateways.
    pub fn with_addresses(&self, addresses: Vec<String>) -> Self {
        let Self { requests, bulks, reads, .. } = self;
        Self { addresses, requests: requests.clone(), bulks: bulks.clone(), reads: reads.clone() }
    }

    pub fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// The requests that record a transaction.
    pub fn writes(&self) -> &[Vec<u8>] {
        &self.requests
    }

    pub fn reads(&self) -> &[Vec<u8>] {
        &self.reads
    }

    pub async fn run(&self, clients: usize, duration: Duration) -> anyhow::Result<RunResults> {
        self.run_with(&self.requests, 201, clients, duration).await
    }

    /// Runs the workload with all clients on one account.
    pub async fn run_hot(&self, clients: usize, duration: Duration) -> anyhow::Result<RunResults> {
        self.run_with(&self.requests[..1], 201, clients, duration).await
    }

    /// Runs bulk requests of [`BULK_OPERATIONS`] transactions each.
    /// The throughput is in transactions.
    pub async fn run_bulk(&self, clients: usize, duration: Duration) -> anyhow::Result<RunResults> {
        let mut figures = self.run_with(&self.bulks, 200, clients, duration).await?;
        figures.throughput *= f64::from(u32::try_from(BULK_OPERATIONS)?);
        Ok(figures)
    }

    async fn run_with(
        &self,
        requests: &[Vec<u8>],
        expected: u16,
        clients: usize,
        duration: Duration,
    ) -> anyhow::Result<RunResults> {
        let until = Instant::now() + duration;
        let addresses = self.addresses.iter().cycle().take(clients);
        let all = addresses.map(|address| client(address, requests, expected, until));
        let results = try_join_all(all).await?;
        let errors = results.iter().map(|(_, errors)| errors).sum();
        let latencies = results.into_iter().flat_map(|(latencies, _)| latencies).collect();
        Ok(RunResults::new(latencies, errors, duration))
    }
}

async fn client(
    address: &str,
    requests: &[Vec<u8>],
    expected: u16,
    until: Instant,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let random = Random::System;
    let (mut latencies, mut errors) = (Vec::new(), 0);
    let mut buffer = Vec::with_capacity(4096);
    while Instant::now() < until {
        let number = usize::from(u16::from_le_bytes(random.bytes())) % requests.len();
        let started = Instant::now();
        stream.write_all(&requests[number]).await?;
        match read_response(&mut stream, &mut buffer).await? {
            status if status == expected => latencies.push(started.elapsed()),
            _ => errors += 1,
        }
    }
    Ok((latencies, errors))
}

/// The prepared requests of a household.
struct Household {
    writes: Vec<Vec<u8>>,
    bulk: Vec<u8>,
    reads: Vec<Vec<u8>>,
}

/// Registers a user and opens accounts.
async fn household(system: &System, number: usize) -> anyhow::Result<Household> {
    let email = format!("bench{number}@example.com");
    let host = u8::try_from(number + 1)?;
    let client = system.client.from_address(std::net::IpAddr::from([127, 0, 1, host]));
    register_verified(system, &client, &email).await?;
    let login = client.login(&email).await;
    ensure!(login.status == 200, "{login:?}");
    let token = login.text("access_token");
    let (mut requests, mut operations) = (Vec::new(), Vec::new());
    for account in 0..ACCOUNTS {
        let body = json!({"name": format!("Account {account}"), "account_type": "bank"});
        let opened = client.post_json_as(&token, "/api/v1/accounts", body).await;
        ensure!(opened.status == 201, "{opened:?}");
        let mut body = json!({"account_id": opened.text("id"), "type": "expense", "amount": "12.50", "description": "Lunch"});
        requests.push(post("/api/v1/transactions", &token, &body));
        body["op"] = json!("create");
        operations.push(body);
    }
    let operations: Vec<_> = operations.iter().cycle().take(BULK_OPERATIONS).collect();
    let bulk = json!({"mode": "atomic", "operations": operations});
    let bulk = post("/api/v1/transactions/bulk", &token, &bulk);
    let read = |path: &&str| {
        format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
    };
    Ok(Household { writes: requests, bulk, reads: READS.iter().map(read).collect() })
}

/// Builds a POST request.
fn post(path: &str, token: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Registers a user and verifies the email address.
pub async fn register_verified(system: &System, client: &Client, email: &str) -> anyhow::Result<()> {
    ensure!(client.register(email).await.status == 202, "the registration must be accepted");
    let token = system.mailbox.wait("verification", email).await.token();
    let verified = client.post("/api/v1/auth/verify-email", json!({"token": token})).await;
    ensure!(verified.status == 204, "{verified:?}");
    Ok(())
}

/// Reads one response and returns its status.
pub async fn read_response(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?;
        let status = head.get(9..12).context("a status")?.parse()?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("a length")?.parse()?;
        if buffer.len() >= end + 4 + length {
            return Ok(status);
        }
    }
}

/// The resident memory of the system's process in MiB.
pub fn memory(system: &System) -> anyhow::Result<u64> {
    let pid = system.pids().first().copied().context("a process")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.split_whitespace().next().context("a number")?.parse()?;
    Ok(kib / 1024)
}
