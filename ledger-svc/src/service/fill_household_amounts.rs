//! Filling household amounts that were left open because no rate was known.

use std::collections::BTreeSet;

use fintrac_kit::access::caller::Origin;
use fintrac_kit::clock::Clock;
use fintrac_kit::database::is_out_of_range;
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::random::Random;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::posting::{DayMove, Moves};
use crate::domain::rate::Quotes;
use crate::store::household_amounts::{self, Filled, LegKind, OpenLeg};
use crate::store::{accounts, daily_changes, exchange_rates, transactions};

/// Transactions in one commit.
const CHUNK: i64 = 200;

/// Why some amounts were not filled.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error("a total cannot be stored")]
    OutOfRange,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Fills what can be filled; what has no rate yet stays open, and so does what
/// would take a total over its edge. Returns how many legs were filled.
pub async fn fill_household_amounts(
    pool: &PgPool,
    clock: &Clock,
    random: &Random,
) -> Result<usize, sqlx::Error> {
    let (mut after, mut filled) = ((Uuid::nil(), Uuid::nil()), 0);
    loop {
        let keys = household_amounts::open_transactions(&mut *pool.acquire().await?, after, CHUNK).await?;
        let Some(last) = keys.last() else { return Ok(filled) };
        after = *last;
        match fill(pool, &keys, clock, random).await {
            Ok(legs) => filled += legs,
            Err(FillError::Database(error)) => return Err(error),
            // One household's totals must not keep the others waiting.
            Err(FillError::OutOfRange) => {
                for key in keys {
                    match fill(pool, &[key], clock, random).await {
                        Ok(legs) => filled += legs,
                        Err(FillError::Database(error)) => return Err(error),
                        Err(error @ FillError::OutOfRange) => {
                            tracing::warn!(transaction = %key.1, %error, "household amount stays open");
                        }
                    }
                }
            }
        }
    }
}

/// Fills the open legs of these transactions in one commit.
async fn fill(
    pool: &PgPool,
    keys: &[(Uuid, Uuid)],
    clock: &Clock,
    random: &Random,
) -> Result<usize, FillError> {
    let mut transaction = pool.begin().await?;
    // Whoever edits or voids one of these waits, and then finds it filled.
    let on: BTreeSet<_> = transactions::lock(&mut transaction, keys).await?.into_iter().collect();
    // And whoever moves a category.
    accounts::lock(&mut transaction, &on.into_iter().collect::<Vec<_>>()).await?;
    let legs = household_amounts::open_legs(&mut transaction, keys).await?;
    let needed: BTreeSet<_> = legs
        .iter()
        .flat_map(|leg| [(leg.amount.currency(), leg.day), (leg.household_currency, leg.day)])
        .collect();
    let quotes = exchange_rates::newest(&mut transaction, needed.into_iter()).await?;
    let revisions = legs.chunk_by(|one, other| revision(one) == revision(other));
    let filled: Vec<_> = revisions.flat_map(|legs| value_revision(legs, &quotes)).collect();
    if filled.is_empty() {
        return Ok(0);
    }
    household_amounts::fill(&mut transaction, &filled).await?;
    let moves = moves(&filled).ok_or(FillError::OutOfRange)?;
    daily_changes::add(&mut transaction, &moves)
        .await
        .map_err(|error| if is_out_of_range(&error) { FillError::OutOfRange } else { error.into() })?;
    tell(&mut transaction, &filled, clock, random).await?;
    transaction.commit().await?;
    Ok(filled.len())
}

/// An event for each transaction: whoever sums household amounts looks again.
async fn tell(
    connection: &mut PgConnection,
    filled: &[Filled<'_>],
    clock: &Clock,
    random: &Random,
) -> Result<(), sqlx::Error> {
    let keys: BTreeSet<_> = filled.iter().map(|it| (it.leg.household_id, it.leg.transaction_id)).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let now = clock.now();
    let origin = Origin { actor: "ledger".into(), ..Origin::default() };
    let found = transactions::find_many(connection, &keys).await?;
    let told = found.iter().map(|(household_id, transaction)| NewEvent {
        id: random.id(now),
        household_id: Some(*household_id),
        user_id: None,
        entity: "transaction",
        entity_id: transaction.id,
        version: transaction.version,
        kind: "valued",
        changed: &["household_amount"],
        origin: &origin,
        occurred_at: now,
    });
    events::append_all(connection, &told.collect::<Vec<_>>()).await.map(|_| ())
}

/// Legs that were posted together, reversals apart.
fn revision(leg: &OpenLeg) -> (Uuid, Uuid, i64, bool) {
    (leg.household_id, leg.transaction_id, leg.revision, leg.is_reversal)
}

/// Values the open legs of one revision as posting would have: all carry the
/// value of the one own leg; those of a transfer are converted one by one.
fn value_revision<'a>(legs: &'a [OpenLeg], quotes: &Quotes) -> Vec<Filled<'a>> {
    let mut own = legs.iter().filter(|leg| leg.kind == LegKind::Own);
    let (Some(first), None) = (own.next(), own.next()) else {
        return legs.iter().filter_map(|leg| value(leg, quotes)).collect();
    };
    let Some(valued) = value(first, quotes) else { return Vec::new() };
    let nominal: Vec<_> = legs.iter().filter(|leg| leg.kind == LegKind::Nominal).collect();
    let weights: Vec<_> = nominal.iter().map(|leg| leg.amount.minor().saturating_abs()).collect();
    let Some(shares) = valued.amount.negated().allocate(&weights) else { return Vec::new() };
    let rate = |leg: &OpenLeg| valued.rate.filter(|_| leg.amount.currency() == first.amount.currency());
    let between = legs.iter().filter(|leg| leg.kind == LegKind::Exchange).map(|leg| {
        let same_side = (leg.amount.minor() < 0) == (first.amount.minor() < 0);
        let amount = if same_side { valued.amount } else { valued.amount.negated() };
        Filled { leg, amount, rate: rate(leg) }
    });
    let shared = nominal.into_iter().zip(shares).map(|(leg, amount)| Filled { leg, amount, rate: rate(leg) });
    let mut filled: Vec<_> = between.chain(shared).collect();
    filled.insert(0, valued);
    filled
}

fn value<'a>(leg: &'a OpenLeg, quotes: &Quotes) -> Option<Filled<'a>> {
    let rate = quotes.cross(leg.amount.currency(), leg.household_currency, leg.day)?;
    let amount = rate.convert(leg.amount, leg.household_currency)?;
    Some(Filled { leg, amount, rate: Some((rate.value, rate.day)) })
}

/// What the days gain: household amounts only; none when a sum cannot be stored.
fn moves(filled: &[Filled<'_>]) -> Option<Moves> {
    let mut moves = Moves::default();
    for it in filled {
        let key = (it.leg.household_id, it.leg.account_id, it.leg.day);
        let unpriced = it.leg.amount.minor().checked_neg()?;
        moves.add_day(key, DayMove { change: 0, household: it.amount.minor(), unpriced })?;
    }
    Some(moves)
}
