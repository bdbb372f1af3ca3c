//! Measures queries on households of 10,000, 100,000 and 1,000,000 transactions.
//!
//! One client sends them, with the sizes interleaved.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fintrac_tests::system::System;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::{read_response, register_verified};

pub const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];
/// The number of samples per query.
const SAMPLES: usize = 400;
/// The deep page; in [`PAGE_SIZE`], the last one of the smallest household.
const PAGE: usize = 1000;
const PAGE_SIZE: usize = 10;

/// A query with its latency per household size.
pub struct Row {
    pub question: &'static str,
    pub latencies: Vec<Latency>,
}

#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
}

/// A household with its paths, one per query.
struct Household {
    token: String,
    paths: Vec<(&'static str, String)>,
}

/// Measures each query and passes its row to `report`.
pub async fn measure(system: &System, report: impl Fn(&Row)) -> anyhow::Result<()> {
    let mut households = Vec::new();
    for (number, size) in SIZES.into_iter().enumerate() {
        households.push(household(system, number, size).await?);
    }
    let mut streams = Vec::new();
    for _ in &households {
        let stream = TcpStream::connect(system.client.address()).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    for question in 0..households[0].paths.len() {
        let mut latencies = vec![Vec::new(); households.len()];
        for sample in 0..SAMPLES + 20 {
            for (at, household) in households.iter().enumerate() {
                let (name, path) = &household.paths[question];
                let request = format!(
                    "GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\r\n",
                    household.token
                );
                let started = Instant::now();
                streams[at].write_all(request.as_bytes()).await?;
                let status = read_response(&mut streams[at], &mut Vec::with_capacity(64 * 1024)).await?;
                ensure!(status == 200, "{name}: {status} at {path}");
                // The first samples fill the caches.
                if sample >= 20 {
                    latencies[at].push(started.elapsed());
                }
            }
        }
        let latency = |mut taken: Vec<Duration>| {
            taken.sort_unstable();
            Latency { p50: taken[SAMPLES / 2], p99: taken[SAMPLES * 99 / 100] }
        };
        let latencies = latencies.into_iter().map(latency).collect();
        report(&Row { question: households[0].paths[question].0, latencies });
    }
    Ok(())
}

async fn household(system: &System, number: usize, size: u32) -> anyhow::Result<Household> {
    let email = format!("scale{number}@example.com");
    let host = u8::try_from(number + 1)?;
    let client = system.client.from_address(std::net::IpAddr::from([127, 0, 2, host]));
    register_verified(system, &client, &email).await?;
    let login = client.login(&email).await;
    ensure!(login.status == 200, "{login:?}");
    let token = login.text("access_token");
    let mut accounts = Vec::new();
    for account in 0..10 {
        let body = json!({"name": format!("Account {account}"), "account_type": "bank"});
        accounts.push(client.post_json_as(&token, "/api/v1/accounts", body).await.text("id"));
    }
    let categories = client.get_as(&token, "/api/v1/categories?type=expense&page_size=200").await;
    let categories: Vec<_> = categories.body["data"].as_array().context("categories")?.clone();
    for category in &categories {
        // Creates the nominal accounts of the categories.
        let body = json!({"account_id": accounts[0], "type": "expense", "amount": "1", "category_id": category["id"]});
        let made = client.post_json_as(&token, "/api/v1/transactions", body).await;
        ensure!(made.status == 201, "{made:?}");
    }
    let body = json!({"name": "All", "amount": "1000", "frequency": "monthly",
        "category_ids": categories.iter().map(|category| category["id"].clone()).collect::<Vec<_>>()});
    let budget = client.post_json_as(&token, "/api/v1/budgets", body).await;
    ensure!(budget.status == 201, "{budget:?}");
    fill(&mut system.connect().await, &accounts[0], size).await?;

    let mut far = String::new();
    for _ in 1..PAGE {
        let path = format!("/api/v1/transactions?page_size={PAGE_SIZE}&page_token={far}");
        let path = path.trim_end_matches("&page_token=").to_owned();
        let page = client.get_as(&token, &path).await;
        page.body["next_page_token"].as_str().context("a next page")?.clone_into(&mut far);
    }
    let today = client.get_as(&token, "/api/v1/analytics/net-worth?interval=day").await;
    ensure!(today.status == 200, "{today:?}");
    let paths = vec![
        ("first page", "/api/v1/transactions".to_owned()),
        ("page 1,000", format!("/api/v1/transactions?page_size={PAGE_SIZE}&page_token={far}")),
        ("an account's list", format!("/api/v1/accounts/{}/transactions", accounts[3])),
        ("largest amounts", "/api/v1/transactions?sort=-amount".to_owned()),
        ("a rare word", "/api/v1/transactions?q=zebra".to_owned()),
        ("one month's breakdown", "/api/v1/analytics/spending?from=2026-06-01&to=2026-06-30".to_owned()),
        ("net worth over a year", "/api/v1/analytics/net-worth".to_owned()),
        ("budget progress", format!("/api/v1/budgets/{}/progress", budget.text("id"))),
        ("a common word (reported)", "/api/v1/transactions?q=groceries".to_owned()),
    ];
    Ok(Household { token, paths })
}

/// Inserts ten years of expenses, with a common and a rare word.
///
/// They are distributed over ten accounts and all categories.
async fn fill(connection: &mut PgConnection, account: &str, size: u32) -> anyhow::Result<()> {
    let sql = format!(
        "create temporary table home on commit drop as
             select household_id as id, right(replace(household_id::text, '-', ''), 12) as tag
             from ledger.accounts where id = '{account}';
         create temporary table own on commit drop as
             select row_number() over (order by id) - 1 as number, id
             from ledger.accounts where household_id = (select id from home);
         create temporary table kinds on commit drop as
             select row_number() over (order by id) - 1 as number, id, category_id
             from ledger.nominal_accounts where household_id = (select id from home) and purpose = 'category';
         insert into ledger.transactions (household_id, id, transaction_type, status, account_id, category_id, amount,
             currency_code, account_change, household_amount, details, search_vector, transaction_date, version,
             posted_revision, created_at, updated_at)
         select home.id, gen_random_uuid(), 'expense', 'posted', own.id, kinds.category_id, n % 9973 + 1,
             (select currency_code from ledger.households where households.id = home.id), -(n % 9973 + 1), n % 9973 + 1,
             jsonb_build_object('description', case when n % ({size} / 50) = 7 then 'Zebra groceries' else 'Weekly groceries' end),
             (case when n % ({size} / 50) = 7 then tag || 'zebra ' else '' end || tag || 'groceries ' || tag || 'weekly')::tsvector,
             date '2016-11-25' + (n % 3650), 1, 1, now(), now()
         from generate_series(1, {size}) n, home
         join lateral (select id from own where number = n % 10) own on true
         join lateral (select category_id from kinds where number = n % (select count(*) from kinds)) kinds on true;
         insert into ledger.daily_totals (household_id, account_id, day, change, household_change)
         select household_id, account_id, day, sum(change), sum(change) from (
             select household_id, account_id, transaction_date as day, account_change as change
             from ledger.transactions where household_id = (select id from home)
             union all
             select household_id, kinds.id, transaction_date, -account_change
             from ledger.transactions join kinds using (category_id) where household_id = (select id from home)) moved
         group by 1, 2, 3
         on conflict (household_id, account_id, day)
             do update set change = excluded.change, household_change = excluded.household_change;
         update ledger.accounts set balance = (
             select sum(change) from ledger.daily_totals
             where daily_totals.household_id = accounts.household_id and account_id = accounts.id)
         where household_id = (select id from home);"
    );
    let sql = format!("begin; {sql} commit;");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    sqlx::raw_sql("vacuum analyze ledger.transactions").execute(&mut *connection).await?;
    sqlx::raw_sql("vacuum analyze ledger.daily_totals").execute(&mut *connection).await?;
    Ok(())
}
