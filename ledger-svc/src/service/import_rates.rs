//! Rates from files: those that the program carries, and the history of the
//! European Central Bank.

use std::io::{Read as _, Seek as _};
use std::path::Path;

use chrono::NaiveDate;
use fintrac_money::Currency;
use rust_decimal::Decimal;
use sqlx::PgPool;

use crate::domain::rate::Source;
use crate::store::exchange_rates::{self, Published};

/// `code,rate`: units for 1 USD, of the day in the second line.
const BUNDLED: &str = include_str!("../../data/bundled-rates.csv");
/// Rates in one commit.
const CHUNK: usize = 1000;
/// A history of fifty years has half of it.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("not a usable zip archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("not readable as CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("not a file of the ECB's reference rates: {0}")]
    Form(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes sure that the rates which the program carries are stored.
pub async fn store_bundled(pool: &PgPool) -> Result<(), ImportError> {
    store(pool, &bundled().ok_or_else(|| ImportError::Form("bundled rates".into()))?).await.map(|_| ())
}

fn bundled() -> Option<Vec<Published>> {
    let (header, rows) = BUNDLED.split_once("code,rate\n")?;
    let day = header.lines().find_map(|line| line.strip_prefix("# date "))?.parse().ok()?;
    let base = Currency::from_code("USD")?;
    let row = |line: &str| {
        let (code, value) = line.split_once(',')?;
        let (currency, value) = (Currency::from_code(code)?, value.parse().ok()?);
        Some(Published { base, currency, day, value, source: Source::Bundled })
    };
    rows.lines().map(row).collect()
}

/// Imports a file of the ECB's reference rates, the zip archive or the CSV in
/// it; returns how many rates were new or different.
pub async fn import_ecb(pool: &PgPool, path: &Path) -> Result<u64, ImportError> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_csv(&file).and_then(|text| parse_ecb(&text)));
    let rates = read.await.map_err(std::io::Error::other)??;
    store(pool, &rates).await
}

async fn store(pool: &PgPool, rates: &[Published]) -> Result<u64, ImportError> {
    let mut changed = 0;
    for chunk in rates.chunks(CHUNK) {
        changed += exchange_rates::upsert(&mut *pool.acquire().await?, chunk).await?;
    }
    Ok(changed)
}

fn read_csv(path: &Path) -> Result<String, ImportError> {
    let mut file = std::fs::File::open(path)?;
    let mut magic = [0; 2];
    let zipped = file.read_exact(&mut magic).is_ok() && magic == *b"PK";
    file.rewind()?;
    let mut text = String::new();
    if zipped {
        let mut archive = zip::ZipArchive::new(file)?;
        archive.by_index(0)?.take(LARGEST_FILE).read_to_string(&mut text)?;
    } else {
        file.take(LARGEST_FILE).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// `Date,USD,JPY,…` with a row a day, newest first; `N/A` where there is no rate.
fn parse_ecb(text: &str) -> Result<Vec<Published>, ImportError> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    if header.get(0) != Some("Date") {
        return Err(ImportError::Form("the first column is not `Date`".into()));
    }
    let base = Currency::from_code("EUR").ok_or_else(|| ImportError::Form("EUR".into()))?;
    // Currencies that we do not know are left out.
    let columns: Vec<_> = header.iter().skip(1).map(Currency::from_code).collect();
    let mut rates = Vec::new();
    for row in reader.records() {
        let row = row?;
        let date = row.get(0).unwrap_or_default();
        // The history writes 2026-10-30, the daily file 30 October 2026.
        let day = date.parse().or_else(|_| NaiveDate::parse_from_str(date, "%d %B %Y"));
        let day: NaiveDate = day.map_err(|_| ImportError::Form(format!("`{date}` is no day")))?;
        for (currency, value) in columns.iter().zip(row.iter().skip(1)) {
            let Some(currency) = currency else { continue };
            if value.is_empty() || value == "N/A" {
                continue;
            }
            let wrong = || ImportError::Form(format!("`{value}` is no rate of {currency} on {day}"));
            let value: Decimal = Decimal::from_str_exact(value).map_err(|_| wrong())?;
            if value <= Decimal::ZERO {
                return Err(wrong());
            }
            rates.push(Published { base, currency: *currency, day, value, source: Source::Ecb });
        }
    }
    if rates.is_empty() { Err(ImportError::Form("it has no rates".into())) } else { Ok(rates) }
}

#[cfg(test)]
mod tests {
    use super::{bundled, parse_ecb};
    use fintrac_money::Currency;

    #[test]
    fn every_currency_has_a_bundled_rate() {
        let rates = bundled().expect("readable");
        for currency in Currency::all() {
            assert!(
                rates.iter().any(|rate| rate.currency == currency && !rate.value.is_zero()),
                "{currency}"
            );
        }
    }

    #[test]
    fn the_ecbs_form_is_read_and_nothing_else() {
        let text = "Date,USD,JPY,XYZ,\n2026-10-30,1.1172,N/A,5,\n2026-10-29,1.113,175.92,N/A,\n";
        let rates = parse_ecb(text).expect("readable");
        let short: Vec<_> =
            rates.iter().map(|it| format!("{} {} {}", it.day, it.currency, it.value)).collect();
        assert_eq!(short, ["2026-10-30 USD 1.1172", "2026-10-29 USD 1.113", "2026-10-29 JPY 175.92"]);
        for bad in [
            "",
            "Day,USD\n",
            "Date,USD\n2026-13-01,1\n",
            "Date,USD\n2026-01-01,1e5\n",
            "Date,USD\n2026-01-01,-1\n",
            "Date,USD\n",
        ] {
            assert!(parse_ecb(bad).is_err(), "{bad}");
        }
    }
}
