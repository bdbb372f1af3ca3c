//! Imports a provider's rates; a bad response never replaces good rates.

use kit_core::clock::Clock;
use kit_core::random::Random;
use sqlx::PgPool;

use super::fill_household_amounts;
use super::import_rates::store_rates;
use crate::domain::rate::{PublishedRate, ScreenedRates, latest_day, screen};
use crate::rate_provider::{RateProviderClient, RateProviderError};
use crate::store::exchange_rates;

/// The reason why a provider's rates were not imported, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error("the rate provider {0} {1}")]
    RateProvider(&'static str, RateProviderError),
    #[error("{0}")]
    Import(#[from] super::ImportError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Fetches the published rates and stores the plausible ones.
///
/// Returns how many household amounts were filled with them.
pub async fn sync_rates(
    client: &RateProviderClient,
    pool: &PgPool,
    clock: &Clock,
    random: &Random,
) -> Result<usize, SyncError> {
    let provider_name = client.provider().into_str();
    let synced = import_rates(client, pool, clock).await;
    metrics::gauge!("fintrac_rate_provider_up", "provider" => provider_name).set(if synced.is_ok() {
        1.0
    } else {
        0.0
    });
    let implausible = synced?;
    metrics::gauge!("fintrac_rates_implausible", "provider" => provider_name)
        .set(u32::try_from(implausible.len()).map_or(f64::MAX, f64::from));
    let filled = fill_household_amounts(pool, clock, random).await?;
    if implausible.is_empty() {
        return Ok(filled);
    }
    Err(SyncError::RateProvider(provider_name, RateProviderError::Implausible(describe_rates(&implausible))))
}

/// Stores the plausible rates and returns the others.
async fn import_rates(
    client: &RateProviderClient,
    pool: &PgPool,
    clock: &Clock,
) -> Result<Vec<PublishedRate>, SyncError> {
    let provider_error = |error| SyncError::RateProvider(client.provider().into_str(), error);
    let rates = client.fetch().await.map_err(provider_error)?;
    let today = clock.now().date_naive();
    let rates = exchange_rates::nearest(&mut *pool.acquire().await?, rates, latest_day(today)).await?;
    let ScreenedRates { plausible, implausible } = screen(rates, today);
    if plausible.is_empty() {
        return Err(provider_error(RateProviderError::Implausible(describe_rates(&implausible))));
    }
    let changed = store_rates(pool, &plausible).await?;
    tracing::info!(
        provider = client.provider().into_str(),
        rates = plausible.len(),
        changed,
        "rates imported"
    );
    Ok(implausible)
}

/// Describes up to ten implausible rates for an error message.
fn describe_rates(implausible: &[PublishedRate]) -> String {
    let rates: Vec<_> =
        implausible.iter().take(10).map(|rate| format!("{} {}", rate.currency, rate.value)).collect();
    let more = if implausible.len() > rates.len() { ", …" } else { "" };
    format!("{} of them: {}{more}", implausible.len(), rates.join(", "))
}
