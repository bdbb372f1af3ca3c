//! The fault campaign: a bank's workload over REST, with a model of what must
//! be true, while processes are killed and stopped, the database crashes,
//! Redis goes and connections break. `script/fault-campaign --seed 1 --seconds 180`.

mod bank;
mod harm;
mod proxy;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use fintrac_kit::random::Random;
use fintrac_tests::client::Client;
use fintrac_tests::suite::{Settings, Shape, Suite, free_port};
use futures::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use bank::{Counts, Customer, DEVICES};
use harm::{Harm, Redis};
use proxy::{GATEWAYS, Ways};

/// How soon everything must go on after the last fault.
const RECOVERY: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Arguments {
    /// The same seed chooses the same faults and the same work
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    #[arg(long, default_value_t = 6)]
    customers: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { seed, seconds, customers } = Arguments::parse();
    tell(&format!("seed {seed}, {seconds} s, {customers} customers"));
    let mut redis = Redis::start(free_port()).await?;
    let common = vec![
        ("REDIS_URL", redis.url()),
        ("LEDGER_LANES", harm::LANES.to_string()),
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned()),
        ("SERVER_REQUEST_TIMEOUT", "10".to_owned()),
    ];
    let settings = Settings {
        log_level: "error",
        common,
        replicas: &[("ledger", GATEWAYS), ("budget", 2), ("notify", 2)],
        durable: true,
        ..Settings::default()
    };
    let part = std::env::current_exe()?.with_file_name("fintrac-part");
    let mut suite = Suite::start_with(&part.to_string_lossy(), Shape::FiveProcesses, settings).await;
    let ways = Ways::open(&mut suite).await?;
    let clients = ways.doors.each_ref().map(|door| Client::new(&format!("http://{}", door.address)));

    let mut bank = Vec::new();
    for number in 0..customers {
        let random = |device| Random::seeded(seed + (number * DEVICES + device) as u64);
        bank.push(Customer::join(&suite, number, std::array::from_fn(random)).await?);
    }
    let (stop, counts) = (CancellationToken::new(), Arc::new(Counts::default()));
    let working = join_all(bank.iter_mut().flatten().map(|customer| customer.work(&clients, &counts, &stop)));
    let harming = async {
        let mut harm = Harm::new(Random::seeded(seed), Duration::from_secs(seconds));
        let healed = harm.run(&mut suite, &mut redis, &ways).await;
        let before = counts.finished();
        // Everybody finishes what is under way and one more operation.
        let caught_up = counts.each_one_more(customers * DEVICES, &before);
        let recovered = tokio::time::timeout(RECOVERY, caught_up).await;
        let took = healed.elapsed();
        stop.cancel();
        (harm.told(), recovered.is_ok(), took)
    };
    let started = Instant::now();
    let (outcomes, (faults, recovered, took)) = tokio::join!(working, harming);
    for outcome in outcomes {
        outcome?;
    }
    tell(&faults);
    tell(&format!("everybody went on {:.1} s after the last fault", took.as_secs_f64()));
    ensure!(recovered, "somebody could not go on within {RECOVERY:?} after the last fault");
    suite.wait_until_ready().await;
    tell(&counts.told(started.elapsed()));
    let bank: Vec<_> = bank.into_iter().map(Customer::together).collect();
    verdict::reach(&suite, &bank).await?;
    suite.terminate().await;
    tell("nothing lost, nothing twice, every sum right");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the campaign is for")]
fn tell(line: &str) {
    println!("{line}");
}
