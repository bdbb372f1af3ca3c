//! Published exchange rates.

use chrono::NaiveDate;
use fintrac_money::Currency;
use sqlx::PgConnection;

use super::{currency, known};
use crate::domain::rate::{Published, Quote, Quotes, Rate, Source};

/// The newest quotes up to each day, on every base.
pub async fn newest(
    connection: &mut PgConnection,
    wanted: impl Iterator<Item = (Currency, NaiveDate)>,
) -> Result<Quotes, sqlx::Error> {
    let (codes, days): (Vec<_>, Vec<_>) =
        wanted.map(|(currency, day)| (currency.code().to_owned(), day)).unzip();
    let rows = sqlx::query!(
        r#"select wanted.currency_code as "currency_code!", wanted.day as "wanted!", bases.code as "base!",
                  found.rate, found.day, found.source
           from unnest($1::text[], $2::date[]) as wanted (currency_code, day)
           cross join (values ('USD'), ('EUR')) as bases (code)
           cross join lateral (
               select rate, day, source from ledger.exchange_rates
               where base_code = bases.code and currency_code = wanted.currency_code and day <= wanted.day
               order by day desc limit 1) as found"#,
        &codes,
        &days,
    )
    .fetch_all(connection)
    .await?;
    let mut quotes = Quotes::default();
    for row in rows {
        let source = known(&row.source, Source::from_text)?;
        let rate = Rate { value: row.rate, day: row.day, source };
        quotes.add(currency(&row.currency_code)?, row.wanted, Quote { base: currency(&row.base)?, rate });
    }
    Ok(quotes)
}

/// Stores rates, over those of the same or a lesser source (see [`Source`]).
/// Returns how many were new or different.
pub async fn upsert(connection: &mut PgConnection, rates: &[Published]) -> Result<u64, sqlx::Error> {
    let codes =
        |of: fn(&Published) -> Currency| rates.iter().map(|it| of(it).code().to_owned()).collect::<Vec<_>>();
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
        &codes(|it| it.base),
        &codes(|it| it.currency),
        &rates.iter().map(|it| it.day).collect::<Vec<_>>(),
        &rates.iter().map(|it| it.value).collect::<Vec<_>>(),
        &rates.iter().map(|it| it.source.as_str().to_owned()).collect::<Vec<_>>(),
        &Source::ALL.map(|source| source.as_str().to_owned()),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The newest rate of each pair of currencies, one row each.
pub async fn newest_of_all(connection: &mut PgConnection) -> Result<Vec<Published>, sqlx::Error> {
    let codes: Vec<_> = Currency::all().map(|currency| currency.code().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select bases.code as "base!", wanted.code as "currency!", found.day, found.rate, found.source
           from unnest($1::text[]) as wanted (code)
           cross join (values ('USD'), ('EUR')) as bases (code)
           cross join lateral (
               select day, rate, source from ledger.exchange_rates
               where base_code = bases.code and currency_code = wanted.code
               order by day desc limit 1) as found"#,
        &codes,
    )
    .fetch_all(connection)
    .await?;
    let published = rows.into_iter().map(|row| {
        Ok(Published {
            base: currency(&row.base)?,
            currency: currency(&row.currency)?,
            day: row.day,
            value: row.rate,
            source: known(&row.source, Source::from_text)?,
        })
    });
    published.collect()
}
