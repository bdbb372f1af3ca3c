//! The load bench: `POST /transactions` over REST against the floor, one
//! commit per write by pgbench, in one run on the same durable cluster.
//!
//! Then one hot account, bulks, one ledger against two on the same database,
//! and questions to households of growing size.
//! Then logins: what their time tells, and what a flood of them costs.
//! Then a thousand people at once: their answers, and the database's statements.
//!
//! `fintrac-bench [SECONDS] [PART...]`; each figure is measured that long
//! (default 8). The parts: posting, replicas, reading, logins, users
//! (default: all).

mod floor;
mod load;
mod login;
mod replicas;
mod report;
mod scale;
mod users;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use fintrac_tests::suite::{Shape, Suite};

/// Clients at once.
const CLIENTS: [usize; 4] = [1, 8, 64, 256];

const PARTS: [&str; 5] = ["posting", "replicas", "reading", "logins", "users"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map(|text| text.parse()).transpose().context("SECONDS")?;
    let measured = Duration::from_secs(seconds.unwrap_or(8));
    let parts: Vec<_> = arguments.collect();
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        anyhow::bail!("there is no part {unknown}; the parts: {}", PARTS.join(", "));
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|it| it == part);
    let binary: PathBuf = std::env::current_exe()?.with_file_name("fintrac-part");
    if PARTS.iter().any(|part| *part != "users" && wanted(part)) {
        let mut suite = Suite::start(&binary.to_string_lossy(), Shape::OneProcess).await;
        if wanted("posting") || wanted("replicas") {
            let world = load::World::prepare(&suite).await?;
            if wanted("posting") {
                posting(&suite, &world, measured).await?;
            }
            if wanted("replicas") {
                let [one, two, again] = replicas::measure(&mut suite, &world, measured).await?;
                report::print_replicas(&one, &two, &again);
            }
        }
        if wanted("reading") {
            report::print_sizes();
            scale::measure(&suite, report::print_scale).await?;
        }
        if wanted("logins") {
            let timing = login::timing(&suite).await?;
            let flood = login::flood(&suite, measured).await?;
            report::print_logins(&timing, &flood);
        }
        suite.terminate().await;
    }
    if wanted("users") {
        let [thinking, hurried] = users::measure(&binary.to_string_lossy(), measured).await?;
        report::print_users(&thinking, &hurried);
    }
    Ok(())
}

/// Single transactions of many clients, of one account, and bulks.
async fn posting(suite: &Suite, world: &load::World, measured: Duration) -> anyhow::Result<()> {
    let floor = floor::Floor::prepare(suite).await?;
    let mut rows = Vec::new();
    for clients in CLIENTS {
        let floor = floor.run(clients, measured).await?;
        let rest = world.run(clients, measured).await?;
        rows.push(report::Row { clients, floor, rest });
    }
    let memory = load::memory(suite)?;
    report::print(&rows, memory);
    let (floor_hot, hot) = (floor.run_hot(64, measured).await?, world.run_hot(64, measured).await?);
    report::print_one("one hot account, 64 clients", &floor_hot, &hot);
    let (floor, bulk) = (floor.run(64, measured).await?, world.run_bulk(2, measured).await?);
    report::print_one("bulks of 1,000 by 2 clients, in transactions, against the floor of 64", &floor, &bulk);
    Ok(())
}
