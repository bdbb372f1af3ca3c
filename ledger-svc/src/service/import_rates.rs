//! Imports exchange rates from files: bundled ones and the ECB's history.

use std::path::Path;

use fintrac_money::Currency;
use sqlx::PgPool;

use crate::domain::rate::{PublishedRate, Source};
use crate::rate_provider::{RateProviderError, parse_csv, read_csv};
use crate::store::exchange_rates;

/// Bundled rates as `code,rate`: units per USD, of the day in the second line.
const BUNDLED: &str = include_str!("../../data/bundled-rates.csv");
/// Rates in one commit.
const BATCH_SIZE: usize = 1000;

/// The reason why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("the file must contain the ECB's reference rates: {0}")]
    InvalidFormat(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Ensures that the bundled rates are stored.
pub async fn store_bundled_rates(pool: &PgPool) -> Result<(), ImportError> {
    store_rates(
        pool,
        &parse_bundled_rates().ok_or_else(|| ImportError::InvalidFormat("bundled rates".into()))?,
    )
    .await
    .map(|_| ())
}

fn parse_bundled_rates() -> Option<Vec<PublishedRate>> {
    let (header, rows) = BUNDLED.split_once("code,rate\n")?;
    let day = header.lines().find_map(|line| line.strip_prefix("# date "))?.parse().ok()?;
    let base = Currency::from_code("USD")?;
    let row = |line: &str| {
        let (code, value) = line.split_once(',')?;
        let (currency, value) = (Currency::from_code(code)?, value.parse().ok()?);
        Some(PublishedRate { base, currency, day, value, source: Source::Bundled })
    };
    rows.lines().map(row).collect()
}

/// Imports the ECB's reference rates from its zip archive or the CSV in it.
///
/// Returns how many rates were new or different.
pub async fn import_ecb(pool: &PgPool, path: &Path) -> Result<u64, ImportError> {
    let bytes = tokio::fs::read(path).await?;
    let read = tokio::task::spawn_blocking(move || read_csv(&bytes).and_then(|text| parse_csv(&text)));
    let rates = read.await.map_err(std::io::Error::other)?.map_err(|error| match error {
        RateProviderError::Malformed(reason) => ImportError::InvalidFormat(reason),
        error => ImportError::InvalidFormat(error.to_string()),
    })?;
    store_rates(pool, &rates).await
}

pub(super) async fn store_rates(pool: &PgPool, rates: &[PublishedRate]) -> Result<u64, ImportError> {
    let mut changed = 0;
    for chunk in rates.chunks(BATCH_SIZE) {
        changed += exchange_rates::upsert(&mut *pool.acquire().await?, chunk).await?;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::parse_bundled_rates;
    use fintrac_money::Currency;

    #[test]
    fn every_currency_has_a_bundled_rate() {
        let rates = parse_bundled_rates().expect("bundled rates parse");
        for currency in Currency::all() {
            assert!(
                rates.iter().any(|rate| rate.currency == currency && !rate.value.is_zero()),
                "{currency}"
            );
        }
    }
}
