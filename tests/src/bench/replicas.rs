//! One ledger against two on the same database: the same accounts, the same two
//! gateways, of which the second one speaks to the first ledger or to its own.

use std::time::Duration;

use fintrac_tests::suite::Suite;

use crate::load::World;
use crate::report::Figures;

const CLIENTS: usize = 64;

/// What 64 clients reach with one ledger and with two.
pub async fn measure(
    suite: &mut Suite,
    world: &World,
    measured: Duration,
) -> anyhow::Result<(Figures, Figures)> {
    let first = suite.client.address().to_owned();
    let ledger = suite.start_ledger();
    let shared = suite.start_gateway(&suite.ledger_grpc.clone()).await;
    let own = suite.start_gateway(&ledger).await;
    let one = world.at(vec![first.clone(), shared]).run(CLIENTS, measured).await?;
    let two = world.at(vec![first, own]).run(CLIENTS, measured).await?;
    Ok((one, two))
}
