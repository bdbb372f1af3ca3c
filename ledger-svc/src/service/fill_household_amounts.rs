//! Fills household amounts that had no exchange rate when they were posted.

use std::collections::BTreeSet;

use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_db::is_out_of_range;
use kit_events::NewEvent;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::posting::{BalanceDeltas, DailyDelta};
use crate::domain::rate::Quotes;
use crate::store::household_amounts::{self, PostingKind, PricedPosting, UnpricedPosting};
use crate::store::{accounts, daily_totals, exchange_rates, transactions};

/// Transactions in one commit.
const BATCH_SIZE: i64 = 200;

/// The reason why some amounts were not filled.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error("the total is out of range")]
    OutOfRange,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Fills the household amounts that have a rate; returns how many postings.
///
/// An amount stays unpriced while it has no rate, or if it would take a total out
/// of range.
pub async fn fill_household_amounts(
    pool: &PgPool,
    clock: &Clock,
    random: &Random,
) -> Result<usize, sqlx::Error> {
    let (mut after, mut filled) = ((Uuid::nil(), Uuid::nil()), 0);
    loop {
        let keys =
            household_amounts::unpriced_transactions(&mut *pool.acquire().await?, after, BATCH_SIZE).await?;
        let Some(last) = keys.last() else { return Ok(filled) };
        after = *last;
        match fill(pool, &keys, clock, random).await {
            Ok(postings) => filled += postings,
            Err(FillError::Database(error)) => return Err(error),
            // One household's totals must not block the others.
            Err(FillError::OutOfRange) => {
                for key in keys {
                    match fill(pool, &[key], clock, random).await {
                        Ok(postings) => filled += postings,
                        Err(FillError::Database(error)) => return Err(error),
                        Err(error @ FillError::OutOfRange) => {
                            tracing::warn!(transaction = %key.1, %error, "household amount stays unpriced");
                        }
                    }
                }
            }
        }
    }
}

/// Fills the unpriced postings of these transactions in one commit.
async fn fill(
    pool: &PgPool,
    keys: &[(Uuid, Uuid)],
    clock: &Clock,
    random: &Random,
) -> Result<usize, FillError> {
    let mut transaction = pool.begin().await?;
    // A concurrent edit or void waits for this lock, then reads the filled amounts.
    let on: BTreeSet<_> = transactions::lock(&mut transaction, keys).await?.into_iter().collect();
    // A concurrent category merge waits for these locks.
    accounts::lock(&mut transaction, &on.into_iter().collect::<Vec<_>>()).await?;
    let postings = household_amounts::unpriced_postings(&mut transaction, keys).await?;
    let needed: BTreeSet<_> = postings
        .iter()
        .flat_map(|posting| {
            [(posting.amount.currency(), posting.day), (posting.household_currency, posting.day)]
        })
        .collect();
    let quotes = exchange_rates::newest(&mut transaction, needed.into_iter()).await?;
    let revisions = postings.chunk_by(|one, other| revision(one) == revision(other));
    let filled: Vec<_> = revisions.flat_map(|postings| value_revision(postings, &quotes)).collect();
    if filled.is_empty() {
        return Ok(0);
    }
    household_amounts::fill(&mut transaction, &filled).await?;
    let deltas = deltas(&filled).ok_or(FillError::OutOfRange)?;
    daily_totals::add(&mut transaction, &deltas)
        .await
        .map_err(|error| if is_out_of_range(&error) { FillError::OutOfRange } else { error.into() })?;
    record_valued_events(&mut transaction, &filled, clock, random).await?;
    transaction.commit().await?;
    Ok(filled.len())
}

/// Records an event for each transaction, so that consumers sum it again.
async fn record_valued_events(
    connection: &mut PgConnection,
    filled: &[PricedPosting<'_>],
    clock: &Clock,
    random: &Random,
) -> Result<(), sqlx::Error> {
    let keys: BTreeSet<_> =
        filled.iter().map(|entry| (entry.posting.household_id, entry.posting.transaction_id)).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let now = clock.now();
    let origin = RequestOrigin { actor: "ledger".into(), ..RequestOrigin::default() };
    let found = transactions::find_many(connection, &keys).await?;
    let new_events = found.iter().map(|(household_id, transaction)| NewEvent {
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
    kit_events::append_all(connection, &new_events.collect::<Vec<_>>()).await.map(|_| ())
}

/// Returns the key of postings that were posted together, reversals apart.
fn revision(posting: &UnpricedPosting) -> (Uuid, Uuid, i64, bool) {
    (posting.household_id, posting.transaction_id, posting.revision, posting.is_reversal)
}

/// Values the unpriced postings of one revision as posting would have.
///
/// All carry the value of the one own posting; those of a transfer are converted
/// one by one.
fn value_revision<'a>(postings: &'a [UnpricedPosting], quotes: &Quotes) -> Vec<PricedPosting<'a>> {
    let mut own = postings.iter().filter(|posting| posting.kind == PostingKind::Own);
    let (Some(first), None) = (own.next(), own.next()) else {
        return postings.iter().filter_map(|posting| value(posting, quotes)).collect();
    };
    let Some(valued) = value(first, quotes) else { return Vec::new() };
    let nominal: Vec<_> = postings.iter().filter(|posting| posting.kind == PostingKind::Nominal).collect();
    let weights: Vec<_> = nominal.iter().map(|posting| posting.amount.minor().saturating_abs()).collect();
    let Some(shares) = valued.amount.negated().allocate(&weights) else { return Vec::new() };
    let rate = |posting: &UnpricedPosting| {
        valued.rate.filter(|_| posting.amount.currency() == first.amount.currency())
    };
    let between = postings.iter().filter(|posting| posting.kind == PostingKind::Exchange).map(|posting| {
        let same_side = (posting.amount.minor() < 0) == (first.amount.minor() < 0);
        let amount = if same_side { valued.amount } else { valued.amount.negated() };
        PricedPosting { posting, amount, rate: rate(posting) }
    });
    let shared = nominal.into_iter().zip(shares).map(|(posting, amount)| PricedPosting {
        posting,
        amount,
        rate: rate(posting),
    });
    let mut filled: Vec<_> = between.chain(shared).collect();
    filled.insert(0, valued);
    filled
}

fn value<'a>(posting: &'a UnpricedPosting, quotes: &Quotes) -> Option<PricedPosting<'a>> {
    let rate = quotes.cross(posting.amount.currency(), posting.household_currency, posting.day)?;
    let amount = rate.convert(posting.amount, posting.household_currency)?;
    Some(PricedPosting { posting, amount, rate: Some((rate.value, rate.day)) })
}

/// Sums the household amounts by day; `None` if a sum is out of range.
fn deltas(filled: &[PricedPosting<'_>]) -> Option<BalanceDeltas> {
    let mut deltas = BalanceDeltas::default();
    for entry in filled {
        let key = (entry.posting.household_id, entry.posting.account_id, entry.posting.day);
        let unpriced = entry.posting.amount.minor().checked_neg()?;
        deltas.add_day(key, DailyDelta { change: 0, household: entry.amount.minor(), unpriced })?;
    }
    Some(deltas)
}
