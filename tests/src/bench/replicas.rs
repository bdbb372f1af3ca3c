//! Compares one ledger-svc with two on the same database.
//!
//! The same accounts are used through two gateways that know the one, and through two that know
//! both.

use std::time::Duration;

use fintrac_tests::system::System;

use crate::load::Workload;
use crate::run_results::RunResults;

const CLIENTS: usize = 64;
const ROUNDS: usize = 3;

/// Measures 64 clients with one ledger-svc, with two, and with one again.
///
/// The difference between the last and the first figure is the machine's variance.
pub async fn measure(
    system: &mut System,
    workload: &Workload,
    duration: Duration,
) -> anyhow::Result<[RunResults; 3]> {
    let first = system.ledger_grpc.clone();
    let both = format!("{first},{}", system.start_ledger());
    let mut gateways = Vec::new();
    for ledgers in [&first, &first, &both, &both] {
        gateways.push(system.start_gateway(Some(ledgers)).await);
    }
    let to_both = gateways.split_off(2);
    let (of_one, of_two) = (workload.with_addresses(gateways), workload.with_addresses(to_both));
    let (mut one, mut two, mut one_repeated) = (Vec::new(), Vec::new(), Vec::new());
    // Interleaved, because the database grows meanwhile.
    for _ in 0..ROUNDS {
        one.push(of_one.run(CLIENTS, duration).await?);
        two.push(of_two.run(CLIENTS, duration).await?);
        one_repeated.push(of_one.run(CLIENTS, duration).await?);
    }
    Ok([one, two, one_repeated].map(|runs| RunResults::mean(&runs)))
}
