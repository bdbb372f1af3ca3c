//! Taking the rates of a feed over; whatever it sends, the last good ones stay.

use fintrac_kit::clock::Clock;
use fintrac_kit::random::Random;
use sqlx::PgPool;

use super::fill_household_amounts;
use super::import_rates::store;
use crate::domain::rate::{Judged, Published, judge, latest_day};
use crate::feed::{Feed, FeedError};
use crate::store::exchange_rates;

/// Why a feed was not followed, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the feed of {0} {1}")]
    Feed(&'static str, FeedError),
    #[error("{0}")]
    Import(#[from] super::ImportError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Fetches what is published and stores what can be right; how many household
/// amounts could be filled with it.
pub async fn follow_feed(
    feed: &Feed,
    pool: &PgPool,
    clock: &Clock,
    random: &Random,
) -> Result<usize, FollowError> {
    let provider = feed.provider().as_str();
    let followed = take_over(feed, pool, clock).await;
    metrics::gauge!("fintrac_rates_feed_up", "provider" => provider).set(if followed.is_ok() {
        1.0
    } else {
        0.0
    });
    let absurd = followed?;
    metrics::gauge!("fintrac_rates_held_back", "provider" => provider)
        .set(u32::try_from(absurd.len()).map_or(f64::MAX, f64::from));
    let filled = fill_household_amounts(pool, clock, random).await?;
    if absurd.is_empty() {
        return Ok(filled);
    }
    Err(FollowError::Feed(provider, FeedError::Absurd(names(&absurd))))
}

/// Stores what can be right; the rest.
async fn take_over(feed: &Feed, pool: &PgPool, clock: &Clock) -> Result<Vec<Published>, FollowError> {
    let of_feed = |error| FollowError::Feed(feed.provider().as_str(), error);
    let rates = feed.fetch().await.map_err(of_feed)?;
    let today = clock.now().date_naive();
    let rates = exchange_rates::nearest(&mut *pool.acquire().await?, rates, latest_day(today)).await?;
    let Judged { good, absurd } = judge(rates, today);
    if good.is_empty() {
        return Err(of_feed(FeedError::Absurd(names(&absurd))));
    }
    let changed = store(pool, &good).await?;
    tracing::info!(provider = feed.provider().as_str(), rates = good.len(), changed, "rates taken over");
    Ok(absurd)
}

/// Some of them, for a message.
fn names(absurd: &[Published]) -> String {
    let names: Vec<_> = absurd.iter().take(10).map(|it| format!("{} {}", it.currency, it.value)).collect();
    let more = if absurd.len() > names.len() { ", …" } else { "" };
    format!("{} of them: {}{more}", absurd.len(), names.join(", "))
}
