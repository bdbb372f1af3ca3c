//! Measures logins.
//!
//! The figures show whether their duration reveals existing users, and how a flood of logins
//! affects other requests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use fintrac_tests::system::System;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::load;

/// The number of accounts per kind; each allows five attempts until throttled.
const USERS: usize = 60;
const ATTEMPTS: usize = 5;
/// The number of clients that log in continuously.
const FLOOD_CLIENTS: usize = 64;
const EMAIL: &str = "timing@example.com";

/// The median durations of failed logins by reason.
#[derive(Debug)]
pub struct Timing {
    pub unknown: Duration,
    pub wrong: Duration,
    pub locked: Duration,
}

/// The latency of one client's `GET /users/me`, alone and in a flood of logins.
#[derive(Debug)]
pub struct LoginLoad {
    pub alone: Percentiles,
    pub flooded: Percentiles,
    /// The number of logins that were processed.
    pub processed: usize,
    /// The number of logins that were rejected because of overload.
    pub rejected: usize,
}

#[derive(Debug)]
pub struct Percentiles {
    pub p50: Duration,
    pub p99: Duration,
}

impl Percentiles {
    fn from_latencies(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let percentile =
            |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: percentile(50), p99: percentile(99) }
    }
}

/// Logs in from its own address: attempts are also counted by address.
async fn login(system: &System, email: &str, number: usize) -> (u16, Duration) {
    let body = json!({"email": email, "password": "not the password at all"});
    let request = system.client.request(Method::POST, "/api/v1/auth/login").json(&body);
    let ip = format!("10.{}.{}.{}", number / 65536 % 256, number / 256 % 256, number % 256);
    let started = Instant::now();
    let status =
        request.header("x-forwarded-for", ip).send().await.map_or(0, |response| response.status().as_u16());
    (status, started.elapsed())
}

/// Measures failed logins.
///
/// The kinds are interleaved, so that load on the machine affects all of them.
pub async fn timing(system: &System) -> anyhow::Result<Timing> {
    let mut connection = system.connect().await;
    load::register_verified(system, &system.client, EMAIL).await?;
    let clones = "insert into auth.users (id, email, email_key, first_name, last_name, password_hash,
                      email_verified_at, created_at, updated_at, version, locked_at)
                  select gen_random_uuid(), kind || number || '@example.com', kind || number || '@example.com',
                      first_name, last_name, password_hash, created_at, created_at, created_at, 1,
                      case when kind = 'locked' then created_at end
                  from auth.users, generate_series(1, $2) number, unnest(array['wrong', 'locked']) kind
                  where email_key = $1";
    sqlx::query(clones).bind(EMAIL).bind(i32::try_from(USERS)?).execute(&mut connection).await?;
    let kinds = ["unknown", "wrong", "locked"];
    let mut latencies = kinds.map(|_| Vec::new());
    let mut number = 0;
    for _ in 0..ATTEMPTS {
        for account in 1..=USERS {
            for (kind, latencies) in kinds.iter().zip(&mut latencies) {
                number += 1;
                let (status, latency) = login(system, &format!("{kind}{account}@example.com"), number).await;
                ensure!(status == 401, "{kind}: {status}");
                latencies.push(latency);
            }
        }
    }
    let [unknown, wrong, locked] = latencies.map(|latencies| Percentiles::from_latencies(latencies).p50);
    Ok(Timing { unknown, wrong, locked })
}

pub async fn flood(system: &System, duration: Duration) -> anyhow::Result<LoginLoad> {
    let token = system.client.login(EMAIL).await.text("access_token");
    let read = async |until: Instant| {
        let mut latencies = Vec::new();
        while Instant::now() < until {
            let started = Instant::now();
            let response = system.client.get_as(&token, "/api/v1/users/me").await;
            latencies.push((response.status, started.elapsed()));
        }
        latencies
    };
    let alone = read(Instant::now() + duration).await;
    let (done, number) = (AtomicBool::new(false), AtomicUsize::new(1_000_000));
    let flood = join_all((0..FLOOD_CLIENTS).map(async |_| {
        let (mut processed, mut rejected) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let number = number.fetch_add(1, Ordering::Relaxed);
            match login(system, &format!("flood{number}@example.com"), number).await.0 {
                401 => processed += 1,
                _ => rejected += 1,
            }
        }
        (processed, rejected)
    }));
    let reading = async {
        let flooded = read(Instant::now() + duration).await;
        done.store(true, Ordering::Relaxed);
        flooded
    };
    let (counts, flooded) = tokio::join!(flood, reading);
    let errors = alone.iter().chain(&flooded).filter(|(status, _)| *status != 200).count();
    ensure!(errors == 0, "{errors} reads failed");
    let percentiles = |latencies: Vec<(u16, Duration)>| {
        Percentiles::from_latencies(latencies.into_iter().map(|(_, latency)| latency).collect())
    };
    Ok(LoginLoad {
        alone: percentiles(alone),
        flooded: percentiles(flooded),
        processed: counts.iter().map(|(processed, _)| processed).sum(),
        rejected: counts.iter().map(|(_, rejected)| rejected).sum(),
    })
}
