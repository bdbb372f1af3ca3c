//! One ledger against two on the same database: the same accounts, the same two
//! gateways, of which the second one speaks to the first ledger or to its own.

use std::time::Duration;

use fintrac_tests::suite::Suite;

use crate::load::World;
use crate::report::Figures;

const CLIENTS: usize = 64;
const ROUNDS: usize = 3;

/// What 64 clients reach with one ledger, with two, and with one again: what the
/// last differs from the first is the machine's doing.
pub async fn measure(suite: &mut Suite, world: &World, measured: Duration) -> anyhow::Result<[Figures; 3]> {
    let first = suite.client.address().to_owned();
    let ledger = suite.start_ledger();
    let shared = suite.start_gateway(&suite.ledger_grpc.clone()).await;
    let own = suite.start_gateway(&ledger).await;
    let (of_one, of_two) = (world.at(vec![first.clone(), shared]), world.at(vec![first, own]));
    let (mut one, mut two, mut again) = (Vec::new(), Vec::new(), Vec::new());
    // In turns: the database grows meanwhile.
    for _ in 0..ROUNDS {
        one.push(of_one.run(CLIENTS, measured).await?);
        two.push(of_two.run(CLIENTS, measured).await?);
        again.push(of_one.run(CLIENTS, measured).await?);
    }
    Ok([one, two, again].map(|runs| Figures::mean(&runs)))
}
