//! Exchange rates by day, crossed over a base currency that quotes both currencies.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, TimeDelta};
use fintrac_money::{Currency, Money};
use rust_decimal::Decimal;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The significant digits of a crossed rate.
const RATE_DIGITS: u32 = 15;

/// The source of a rate. On equal days a later variant takes precedence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Source {
    /// The rate 1 of a currency to itself.
    Identity,
    /// A rate shipped with the program.
    Bundled,
    /// The currency-api provider.
    CurrencyApi,
    /// The European Central Bank's reference rates.
    Ecb,
    /// A rate set by an administrator.
    Manual,
}

/// An exchange rate: units of the target for one unit of the source currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub value: Decimal,
    /// The day for which it was published.
    pub day: NaiveDate,
    pub source: Source,
}

impl Rate {
    /// Converts `money` into `to`, rounded half to even; `None` if it cannot be stored.
    pub fn convert(&self, money: Money, to: Currency) -> Option<Money> {
        Money::rounded(money.decimal().checked_mul(self.value)?, to)
    }
}

/// A published rate: units of `currency` for one unit of `base`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedRate {
    pub base: Currency,
    pub currency: Currency,
    pub day: NaiveDate,
    pub value: Decimal,
    pub source: Source,
}

/// Published rates, separated by plausibility.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ScreenedRates {
    pub plausible: Vec<PublishedRate>,
    /// Rates that are not stored.
    ///
    /// They are invalid, or differ by half or more from the nearest stored rate.
    pub implausible: Vec<PublishedRate>,
}

/// The maximum age of a rate that new rates are compared with.
const MAX_COMPARISON_AGE: TimeDelta = TimeDelta::days(31);

/// Returns the last day whose rates are accepted when the UTC date is `today`.
///
/// Tomorrow has already begun in other time zones.
pub fn latest_day(today: NaiveDate) -> NaiveDate {
    today.succ_opt().unwrap_or(today)
}

/// Separates plausible and implausible rates, given each one's nearest stored rate.
///
/// All rates are dropped if more than a tenth of them are implausible. Rates of a
/// future day are implausible.
pub fn screen(rates: Vec<(PublishedRate, Option<PublishedRate>)>, today: NaiveDate) -> ScreenedRates {
    let moved_by_half = |rate: &PublishedRate, last: &Option<PublishedRate>| {
        let Some(last) = last else { return false };
        let age = rate.day.signed_duration_since(last.day);
        let moved = rate.value.checked_sub(last.value).map(|change| change.abs());
        let half = last.value.checked_mul(Decimal::new(5, 1));
        age.abs() <= MAX_COMPARISON_AGE
            && last.source != Source::Bundled
            && moved.zip(half).is_none_or(|(moved, half)| moved >= half)
    };
    let is_implausible = |(rate, last): &(PublishedRate, Option<PublishedRate>)| {
        rate.value <= Decimal::ZERO || rate.day > latest_day(today) || moved_by_half(rate, last)
    };
    let (implausible, plausible): (Vec<_>, Vec<_>) = rates.into_iter().partition(is_implausible);
    let rates = |pairs: Vec<(PublishedRate, _)>| pairs.into_iter().map(|(rate, _)| rate).collect::<Vec<_>>();
    let (implausible, plausible) = (rates(implausible), rates(plausible));
    if implausible.len().saturating_mul(10) > plausible.len().saturating_add(implausible.len()) {
        return ScreenedRates { plausible: Vec::new(), implausible };
    }
    ScreenedRates { plausible, implausible }
}

/// A rate on a base currency: units of a currency for one unit of `base`.
#[derive(Debug, Clone, Copy)]
pub struct Quote {
    pub base: Currency,
    pub rate: Rate,
}

/// The rates of a currency on one base, by day.
#[derive(Debug)]
struct BaseQuotes {
    base: Currency,
    days: BTreeMap<NaiveDate, Rate>,
}

/// The quotes of several currencies, by base and day.
#[derive(Debug, Default)]
pub struct Quotes(HashMap<Currency, Vec<BaseQuotes>>);

impl Quotes {
    pub fn add(&mut self, currency: Currency, quote: Quote) {
        let bases = self.0.entry(currency).or_default();
        if let Some(base_quotes) = bases.iter_mut().find(|quotes| quotes.base == quote.base) {
            base_quotes.days.insert(quote.rate.day, quote.rate);
        } else {
            let days = BTreeMap::from([(quote.rate.day, quote.rate)]);
            bases.push(BaseQuotes { base: quote.base, days });
        }
    }

    /// Returns the newest quote of `currency` up to `day` on each base.
    fn newest(&self, currency: Currency, day: NaiveDate) -> Vec<Quote> {
        let bases = self.0.get(&currency).map(Vec::as_slice).unwrap_or_default();
        let newest = |BaseQuotes { base, days }: &BaseQuotes| {
            let (_, rate) = days.range(..=day).next_back()?;
            Some(Quote { base: *base, rate: *rate })
        };
        bases.iter().filter_map(newest).collect()
    }

    /// Computes the rate on `day`, crossed over a base currency.
    ///
    /// It uses the base that has the newest quotes of both currencies. The quotes
    /// needed for it must have been added.
    pub fn cross(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<Rate> {
        let (sources, targets) = (self.newest(from, day), self.newest(to, day));
        let over = |base: Currency| {
            let rate_on_base = |currency: Currency, quotes: &[Quote]| {
                quotes
                    .iter()
                    .find(|quote| quote.base == base && quote.base != currency)
                    .map(|quote| quote.rate)
            };
            match (rate_on_base(from, &sources), rate_on_base(to, &targets)) {
                (Some(from), Some(to)) => {
                    let value = to.value.checked_div(from.value)?.round_sf(RATE_DIGITS)?;
                    let older = if from.day < to.day { from } else { to };
                    Some(Rate { value, day: older.day, source: from.source.min(to.source) })
                }
                (Some(from), None) if to == base => {
                    Some(Rate { value: Decimal::ONE.checked_div(from.value)?.round_sf(RATE_DIGITS)?, ..from })
                }
                (None, Some(to)) if from == base => Some(to),
                _ => None,
            }
        };
        let bases = sources.iter().chain(&targets).map(|quote| quote.base);
        bases.filter_map(over).filter(|rate| !rate.value.is_zero()).max_by_key(|rate| (rate.day, rate.source))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::{PublishedRate, Quote, Quotes, Rate, ScreenedRates, Source, screen};
    use fintrac_money::Currency;
    use fintrac_money::Money;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect(code)
    }

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, number).expect("a day")
    }

    fn quotes(rows: &[(&str, &str, &str, u32, Source)]) -> Quotes {
        let mut quotes = Quotes::default();
        for (base, code, value, published, source) in rows {
            let rate =
                Rate { value: value.parse().expect("a decimal"), day: day(*published), source: *source };
            quotes.add(currency(code), Quote { base: currency(base), rate });
        }
        quotes
    }

    fn published(code: &str, value: &str, number: u32, source: Source) -> PublishedRate {
        let value = value.parse().expect("a decimal");
        PublishedRate { base: currency("USD"), currency: currency(code), day: day(number), value, source }
    }

    #[test]
    fn implausible_rates_are_rejected_and_more_than_a_tenth_reject_all() {
        let codes = ["EUR", "JPY", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "AUD"];
        let all = |value: &str, number| {
            codes.map(|code| published(code, value, number, Source::CurrencyApi)).to_vec()
        };
        let screened = |rates: &[PublishedRate], before: &[PublishedRate], today| {
            let pairs = rates.iter().enumerate().map(|(index, rate)| (*rate, before.get(index).copied()));
            screen(pairs.collect(), today)
        };
        let (before, mut next) = (all("2", 1), all("2.9", 2));
        assert_eq!(
            screened(&next, &before, day(2)),
            ScreenedRates { plausible: next.clone(), implausible: vec![] }
        );
        next[0].value = "1".parse().expect("a decimal");
        let found = screened(&next, &before, day(2));
        assert_eq!((found.plausible.len(), found.implausible), (11, vec![next[0]]));
        next[1].value = "3".parse().expect("a decimal");
        let found = screened(&next, &before, day(2));
        assert_eq!((found.plausible.len(), found.implausible.len()), (0, 2), "one in six exceeds a tenth");
        assert_eq!(screened(&all("2", 4), &before, day(2)).plausible.len(), 0, "rates of a future day");
        assert_eq!(screened(&all("0", 2), &[], day(2)).plausible.len(), 0);
        let old = published("EUR", "2", 1, Source::CurrencyApi);
        let months_later =
            PublishedRate { day: day(1) + chrono::Days::new(40), value: "9".parse().expect("one"), ..old };
        assert_eq!(
            screened(&[months_later], &[old], months_later.day).implausible.len(),
            0,
            "an old rate is not compared"
        );
        let bundled = published("EUR", "2", 1, Source::Bundled);
        assert_eq!(
            screened(&[published("EUR", "9", 2, Source::Ecb)], &[bundled], day(2)).implausible.len(),
            0
        );
    }

    #[test]
    fn the_base_with_the_newest_quotes_of_both_currencies_is_used() {
        let quotes = quotes(&[
            ("USD", "EUR", "0.8", 1, Source::Bundled),
            ("USD", "JPY", "160", 1, Source::Bundled),
            ("USD", "AED", "3.6725", 1, Source::Bundled),
            ("EUR", "USD", "1.25", 8, Source::Ecb),
            ("EUR", "JPY", "175", 7, Source::Ecb),
        ]);
        let rate = |from, to| {
            let rate = quotes.cross(currency(from), currency(to), day(9))?;
            Some((rate.value.normalize().to_string(), rate.day, rate.source))
        };
        assert_eq!(rate("EUR", "USD"), Some(("1.25".into(), day(8), Source::Ecb)));
        assert_eq!(rate("USD", "EUR"), Some(("0.8".into(), day(8), Source::Ecb)));
        assert_eq!(
            rate("USD", "JPY"),
            Some(("140".into(), day(7), Source::Ecb)),
            "the day is that of the older quote"
        );
        assert_eq!(rate("EUR", "AED"), Some(("4.590625".into(), day(1), Source::Bundled)));
        assert_eq!(rate("EUR", "CHF"), None);
        let third = Rate { value: "3".parse().expect("a decimal"), day: day(1), source: Source::Manual };
        assert_eq!(
            third.convert(Money::new(5, currency("JPY")), currency("USD")).map(Money::minor),
            Some(1500)
        );
    }

    proptest! {
        #[test]
        fn a_round_trip_conversion_is_off_by_at_most_the_rounding(minor in 1_i64..1_000_000_000, value in 1_u64..1_000_000) {
            let value = rust_decimal::Decimal::from(value) / rust_decimal::Decimal::from(1000);
            let mut quotes = Quotes::default();
            let rate = Rate { value, day: day(1), source: Source::Ecb };
            quotes.add(currency("USD"), Quote { base: currency("EUR"), rate });
            let rate_to_usd = quotes.cross(currency("EUR"), currency("USD"), day(9)).expect("a rate");
            let rate_to_eur = quotes.cross(currency("USD"), currency("EUR"), day(9)).expect("a rate");
            let money = Money::new(minor, currency("EUR"));
            let returned = rate_to_usd.convert(money, currency("USD")).and_then(|usd| rate_to_eur.convert(usd, currency("EUR")));
            let lost = (returned.expect("small").decimal() - money.decimal()).abs();
            // Half a cent each way, of which the first is converted back at the rate.
            let cent = rust_decimal::Decimal::new(6, 3);
            prop_assert!(lost <= cent + cent / value, "{lost}");
        }
    }
}
