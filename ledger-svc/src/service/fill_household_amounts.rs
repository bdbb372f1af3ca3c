//! Filling household amounts that were left open because no rate was known.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::posting::Moves;
use crate::domain::rate::Quotes;
use crate::store::household_amounts::{self, Filled, OpenLeg};
use crate::store::{daily_changes, exchange_rates, transactions};

/// Transactions in one commit.
const CHUNK: i64 = 500;

/// Fills what can be filled; what has no rate yet stays open.
pub async fn fill_household_amounts(pool: PgPool) -> Result<(), sqlx::Error> {
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let mut connection = pool.acquire().await?;
        let keys = household_amounts::open_transactions(&mut connection, after, CHUNK).await?;
        let Some(last) = keys.last() else { return Ok(()) };
        after = *last;
        drop(connection);
        let mut transaction = pool.begin().await?;
        // Whoever edits or voids one of these waits, and then finds it filled.
        transactions::lock(&mut transaction, &keys).await?;
        let legs = household_amounts::open_legs(&mut transaction, &keys).await?;
        let needed: BTreeSet<_> = legs
            .iter()
            .flat_map(|leg| [(leg.amount.currency(), leg.day), (leg.household_currency, leg.day)])
            .collect();
        let quotes = exchange_rates::newest(&mut transaction, needed.into_iter()).await?;
        let filled: Vec<_> = legs.iter().filter_map(|leg| value(leg, &quotes)).collect();
        if filled.is_empty() {
            continue;
        }
        household_amounts::fill(&mut transaction, &filled).await?;
        daily_changes::add(&mut transaction, &moves(&filled)).await?;
        transaction.commit().await?;
    }
}

fn value<'a>(leg: &'a OpenLeg, quotes: &Quotes) -> Option<Filled<'a>> {
    let rate = quotes.cross(leg.amount.currency(), leg.household_currency, leg.day)?;
    let amount = rate.convert(leg.amount, leg.household_currency)?;
    Some(Filled { leg, amount, rate: rate.value, rate_day: rate.day })
}

/// What the days gain: household amounts only.
fn moves(filled: &[Filled<'_>]) -> Moves {
    let mut moves = Moves::default();
    for it in filled {
        let key: (Uuid, Uuid, NaiveDate) = (it.leg.household_id, it.leg.account_id, it.leg.day);
        let (_, household) = moves.days.entry(key).or_default();
        *household = household.saturating_add(it.amount.minor());
    }
    moves
}
