//! Sets an administrator's rate, which takes precedence over others of its day.

use chrono::NaiveDate;
use fintrac_money::Currency;
use fintrac_proto::ledger::v1::SetExchangeRateRequest;
use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::LedgerUseCases;
use crate::domain::rate::{PublishedRate, Source};
use crate::domain::require;
use crate::error::Error;
use crate::store::exchange_rates;

/// Validates a rate; without a date it is for `today`.
fn resolve(request: &SetExchangeRateRequest, today: NaiveDate) -> Result<PublishedRate, Vec<FieldViolation>> {
    let mut violations = Vec::new();
    let mut reject = |field: &str, code, text: &str| {
        violations.push(FieldViolation::new(field, code, text));
    };
    let base = Currency::from_code(&request.base).filter(|currency| matches!(currency.code(), "USD" | "EUR"));
    if base.is_none() {
        let text = "The base must be USD or EUR. Other rates are crossed over them.";
        reject("base", FieldCode::CurrencyInvalid, text);
    }
    let currency = Currency::from_code(&request.currency_code);
    if currency.is_none() {
        let text = "The currency must be in use. Send a code from GET /api/v1/currencies.";
        reject("currency_code", FieldCode::CurrencyInvalid, text);
    } else if currency == base {
        reject(
            "currency_code",
            FieldCode::Conflicting,
            "The currency must differ from base. Send another one.",
        );
    }
    let digits = !request.rate.is_empty() && request.rate.len() <= 24;
    let plain = digits && request.rate.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let rate = Decimal::from_str_exact(&request.rate).ok().filter(|rate| plain && *rate > Decimal::ZERO);
    if rate.is_none() {
        let text = "The rate must be above zero. Send units of the currency per base unit, such as 1.1172.";
        reject("rate", FieldCode::RateInvalid, text);
    }
    let date = match request.date.as_deref() {
        None => Some(today),
        Some(text) => date::parse(text.trim()),
    };
    let date = require(date, "date", FieldCode::DateInvalid, &mut violations);
    match (base, currency, rate, date) {
        (Some(base), Some(currency), Some(value), Some(day)) if violations.is_empty() => {
            Ok(PublishedRate { base, currency, day, value, source: Source::Manual })
        }
        _ => Err(violations),
    }
}

/// Returns the rate and its equivalent on the other base.
///
/// A conversion uses this rate, whichever base it crosses over.
async fn on_both_bases(
    connection: &mut PgConnection,
    published: PublishedRate,
) -> Result<Vec<PublishedRate>, sqlx::Error> {
    let mut rates = vec![published];
    let other = if published.base.code() == "EUR" { "USD" } else { "EUR" };
    let Some(other) = Currency::from_code(other) else { return Ok(rates) };
    let (currency, value) = if published.currency == other {
        (published.base, Decimal::ONE.checked_div(published.value))
    } else {
        let days = [(other, published.day), (published.base, published.day)];
        let quotes = exchange_rates::newest(connection, days.into_iter()).await?;
        let cross = quotes.cross(other, published.base, published.day);
        (published.currency, cross.and_then(|rate| rate.value.checked_mul(published.value)))
    };
    let value = value.and_then(|value| value.round_sf(15)).filter(|value| *value > Decimal::ZERO);
    rates.extend(value.map(|value| PublishedRate { base: other, currency, value, ..published }));
    Ok(rates)
}

impl LedgerUseCases {
    pub async fn set_exchange_rate(
        &self,
        ctx: &WriteContext<PublishedRate>,
        request: &SetExchangeRateRequest,
    ) -> Result<PublishedRate, Error> {
        let published = resolve(request, self.clock.now().date_naive())?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        let rates = on_both_bases(&mut transaction, published).await?;
        exchange_rates::upsert(&mut transaction, &rates).await?;
        let name = format!("{} {} {}", published.base, published.currency, published.day);
        let digest = Sha256::digest(name.as_bytes());
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        let entity_id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        transaction.record("exchange_rate", entity_id, 1, "set", &["rate"]).await?;
        transaction.commit_with(published).await
    }
}
