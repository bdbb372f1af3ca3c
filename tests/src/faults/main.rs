//! The fault campaign: a bank's workload over REST while faults are injected.
//!
//! Processes are killed and paused, the database crashes, Redis is killed and connections are
//! cut; a model has the expected state. `script/fault-campaign --seed 1 --seconds 180`

mod bank;
mod fault_injector;
mod proxy;
mod verification;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Settings, System, free_port};
use futures::future::join_all;
use kit_core::random::Random;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use bank::{Counts, Customer, DEVICES};
use fault_injector::{FaultInjector, Redis};
use proxy::{GATEWAYS, Proxies};

/// The time within which every device must continue after the last fault.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Arguments {
    /// The seed that determines faults and work
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
    print_line(&format!("seed {seed}, {seconds} s, {customers} customers"));
    let mut redis = Redis::start(free_port()).await?;
    let environment = vec![
        ("REDIS_URL", redis.url()),
        ("LEDGER_WRITERS", fault_injector::WRITERS.to_string()),
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned()),
        ("SERVER_REQUEST_TIMEOUT", "10".to_owned()),
    ];
    let settings = Settings {
        log_level: "error",
        environment,
        replicas: &[("ledger", GATEWAYS), ("budget", 2), ("notify", 2)],
        durable: true,
        echo_logs: true,
        ..Settings::default()
    };
    let binary = std::env::current_exe()?.with_file_name("fintrac-service");
    let mut system = System::start_with(&binary.to_string_lossy(), Layout::FiveProcesses, settings).await;
    let proxies = Proxies::open(&mut system).await?;
    let clients =
        proxies.gateway_proxies.each_ref().map(|proxy| Client::new(&format!("http://{}", proxy.address)));

    let mut bank = Vec::new();
    for number in 0..customers {
        let random = |device| Random::seeded(seed + (number * DEVICES + device) as u64);
        bank.push(Customer::join(&system, number, std::array::from_fn(random)).await?);
    }
    let (stop, counts) = (CancellationToken::new(), Arc::new(Counts::default()));
    let working = join_all(bank.iter_mut().flatten().map(|customer| customer.work(&clients, &counts, &stop)));
    let injecting = async {
        let mut injector = FaultInjector::new(Random::seeded(seed), Duration::from_secs(seconds));
        let healed = injector.run(&mut system, &mut redis, &proxies).await;
        let before = counts.finished();
        // Every device finishes its current operation and one more.
        let caught_up = counts.wait_for_progress(customers * DEVICES, &before);
        let recovered = tokio::time::timeout(RECOVERY_TIMEOUT, caught_up).await;
        let took = healed.elapsed();
        stop.cancel();
        (injector.summary(), recovered.is_ok(), took)
    };
    let started = Instant::now();
    let (outcomes, (faults, recovered, took)) = tokio::join!(working, injecting);
    for outcome in outcomes {
        outcome?;
    }
    print_line(&faults);
    print_line(&format!("all customers continued {:.1} s after the last fault", took.as_secs_f64()));
    ensure!(recovered, "a customer did not continue within {RECOVERY_TIMEOUT:?} after the last fault");
    system.wait_until_ready().await;
    print_line(&counts.summary(started.elapsed()));
    let bank: Vec<_> = bank.into_iter().map(Customer::together).collect();
    verification::verify(&system, &bank).await?;
    system.terminate().await;
    print_line("nothing lost, nothing duplicated, every sum correct");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the campaign prints its results")]
fn print_line(line: &str) {
    println!("{line}");
}
