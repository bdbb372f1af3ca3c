//! Published exchange rates.

use std::collections::HashMap;

use chrono::NaiveDate;
use fintrac_money::Currency;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use strum::VariantArray as _;

use super::{column, currency};
use crate::domain::rate::{PublishedRate, Quote, Quotes, Rate, Source};

/// The number of days of a currency from which its rates are read as a range.
const MIN_DAYS_OF_RANGE: usize = 16;

struct QuoteRow {
    currency_code: String,
    base: String,
    rate: Decimal,
    day: NaiveDate,
    source: Source,
}

impl QuoteRow {
    fn add_to(self, quotes: &mut Quotes) -> Result<(), sqlx::Error> {
        let rate = Rate { value: self.rate, day: self.day, source: self.source };
        quotes.add(currency(&self.currency_code)?, Quote { base: currency(&self.base)?, rate });
        Ok(())
    }
}

/// Returns the newest quotes up to each day, on every base.
pub async fn newest(
    connection: &mut PgConnection,
    quote_keys: impl Iterator<Item = (Currency, NaiveDate)>,
) -> Result<Quotes, sqlx::Error> {
    let mut days: HashMap<Currency, Vec<NaiveDate>> = HashMap::new();
    for (currency, day) in quote_keys {
        days.entry(currency).or_default().push(day);
    }
    let (many, few): (Vec<_>, Vec<_>) =
        days.into_iter().partition(|(_, days)| days.len() >= MIN_DAYS_OF_RANGE);
    let mut quotes = Quotes::default();
    if !few.is_empty() {
        add_newest(connection, &few, &mut quotes).await?;
    }
    if !many.is_empty() {
        add_ranges(connection, &many, &mut quotes).await?;
    }
    Ok(quotes)
}

/// Adds the newest quote up to each day, with one index search each.
async fn add_newest(
    connection: &mut PgConnection,
    days_by_currency: &[(Currency, Vec<NaiveDate>)],
    quotes: &mut Quotes,
) -> Result<(), sqlx::Error> {
    let pairs = days_by_currency
        .iter()
        .flat_map(|(currency, days)| days.iter().map(|day| (currency.code().to_owned(), *day)));
    let (codes, days): (Vec<_>, Vec<_>) = pairs.unzip();
    let rows = sqlx::query_as!(
        QuoteRow,
        r#"select requested.currency_code as "currency_code!", bases.code as "base!", found.rate, found.day,
                  found.source as "source: Source"
           from unnest($1::text[], $2::date[]) as requested (currency_code, day)
           cross join (values ('USD'), ('EUR')) as bases (code)
           cross join lateral (
               select rate, day, source from ledger.exchange_rates
               where base_code = bases.code and currency_code = requested.currency_code and day <= requested.day
               order by day desc limit 1) as found"#,
        &codes,
        &days,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().try_for_each(|row| row.add_to(quotes))
}

/// Adds all quotes between the first and the last day, and the newest quote before.
async fn add_ranges(
    connection: &mut PgConnection,
    days_by_currency: &[(Currency, Vec<NaiveDate>)],
    quotes: &mut Quotes,
) -> Result<(), sqlx::Error> {
    let ranges = days_by_currency.iter().filter_map(|(currency, days)| {
        Some((currency.code().to_owned(), *days.iter().min()?, *days.iter().max()?))
    });
    let (mut codes, mut first, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for (code, from, to) in ranges {
        codes.push(code);
        first.push(from);
        last.push(to);
    }
    let rows = sqlx::query_as!(
        QuoteRow,
        r#"select requested.currency_code as "currency_code!", bases.code as "base!",
                  found.rate as "rate!", found.day as "day!", found.source as "source!: Source"
           from unnest($1::text[], $2::date[], $3::date[]) as requested (currency_code, first, last)
           cross join (values ('USD'), ('EUR')) as bases (code)
           cross join lateral (
               (select rate, day, source from ledger.exchange_rates
                where base_code = bases.code and currency_code = requested.currency_code and day <= requested.first
                order by day desc limit 1)
               union all
               select rate, day, source from ledger.exchange_rates
               where base_code = bases.code and currency_code = requested.currency_code
                 and day > requested.first and day <= requested.last) as found"#,
        &codes,
        &first,
        &last,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().try_for_each(|row| row.add_to(quotes))
}

/// Stores rates; returns the number of new or changed ones.
///
/// A rate replaces one of the same day if its source has the same or a higher
/// precedence (see [`Source`]).
pub async fn upsert(connection: &mut PgConnection, rates: &[PublishedRate]) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"insert into ledger.exchange_rates (base_code, currency_code, day, rate, source)
           select * from unnest($1::text[], $2::text[], $3::date[], $4::numeric[], $5::text[])
               as new (base_code, currency_code, day, rate, source)
           order by 1, 2, 3
           on conflict (base_code, currency_code, day)
               do update set rate = excluded.rate, source = excluded.source
               where array_position($6::text[], excluded.source)
                     >= array_position($6::text[], exchange_rates.source)
                 and (exchange_rates.rate, exchange_rates.source) <> (excluded.rate, excluded.source)"#,
        &column(rates, |rate| rate.base.code().to_owned()),
        &column(rates, |rate| rate.currency.code().to_owned()),
        &column(rates, |rate| rate.day),
        &column(rates, |rate| rate.value),
        &column(rates, |rate| rate.source) as _,
        Source::VARIANTS as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Pairs each rate with the stored rate of the nearest day up to `latest`.
pub async fn nearest(
    connection: &mut PgConnection,
    rates: Vec<PublishedRate>,
    latest: NaiveDate,
) -> Result<Vec<(PublishedRate, Option<PublishedRate>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select number as "number!", found.day as "day!", found.rate as "rate!", found.source as "source!: Source"
           from unnest($1::text[], $2::text[], $3::date[]) with ordinality
               as requested (base_code, currency_code, day, number)
           cross join lateral (
               select * from (
                   (select day, rate, source from ledger.exchange_rates
                    where base_code = requested.base_code and currency_code = requested.currency_code
                      and day <= least(requested.day, $4)
                    order by day desc limit 1)
                   union all
                   (select day, rate, source from ledger.exchange_rates
                    where base_code = requested.base_code and currency_code = requested.currency_code
                      and day > requested.day and day <= $4
                    order by day limit 1)) as sides
               order by abs(sides.day - requested.day) limit 1) as found"#,
        &column(&rates, |rate| rate.base.code().to_owned()),
        &column(&rates, |rate| rate.currency.code().to_owned()),
        &column(&rates, |rate| rate.day),
        latest,
    )
    .fetch_all(connection)
    .await?;
    let mut pairs: Vec<_> = rates.into_iter().map(|rate| (rate, None)).collect();
    for row in rows {
        let index = usize::try_from(row.number - 1).ok();
        if let Some((rate, found)) = index.and_then(|index| pairs.get_mut(index)) {
            *found = Some(PublishedRate { day: row.day, value: row.rate, source: row.source, ..*rate });
        }
    }
    Ok(pairs)
}
