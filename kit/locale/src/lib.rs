//! Formats amounts and dates by locale (CLDR through ICU4X).

#![warn(missing_docs)]

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};
use icu_calendar::{Date, Iso};
use icu_datetime::DateTimeFormatter;
use icu_datetime::fieldsets::{YM, YMD, YMDT};
use icu_datetime::input::{DateTime, Time};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;

/// The reason why a value cannot be formatted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LocaleFormatError(String);

/// A formatter of amounts and dates for one language.
pub struct LocaleFormatter {
    amounts: DecimalFormatter,
    dates: DateTimeFormatter<YMD>,
    short_dates: DateTimeFormatter<YMD>,
    months: DateTimeFormatter<YM>,
    short_months: DateTimeFormatter<YM>,
    date_times: DateTimeFormatter<YMDT>,
}

impl LocaleFormatter {
    /// Creates the formatter of a language given as BCP 47, such as `de`.
    ///
    /// # Errors
    /// If `language` is not a language or has no data.
    pub fn new(language: &str) -> Result<Self, LocaleFormatError> {
        let unknown = |error: &dyn std::fmt::Display| LocaleFormatError(format!("{language}: {error}"));
        // `pt` means the Portuguese of Portugal.
        let name = if language == "pt" { "pt-PT" } else { language };
        let locale: Locale = name.parse().map_err(|error| unknown(&error))?;
        Ok(Self {
            amounts: DecimalFormatter::try_new(locale.clone().into(), DecimalFormatterOptions::default())
                .map_err(|error| unknown(&error))?,
            months: DateTimeFormatter::try_new(locale.clone().into(), YM::long())
                .map_err(|error| unknown(&error))?,
            short_months: DateTimeFormatter::try_new(locale.clone().into(), YM::medium())
                .map_err(|error| unknown(&error))?,
            date_times: DateTimeFormatter::try_new(locale.clone().into(), YMD::long().with_time_hm())
                .map_err(|error| unknown(&error))?,
            dates: DateTimeFormatter::try_new(locale.clone().into(), YMD::long())
                .map_err(|error| unknown(&error))?,
            short_dates: DateTimeFormatter::try_new(locale.into(), YMD::short())
                .map_err(|error| unknown(&error))?,
        })
    }

    /// Formats a decimal amount, followed by the code of its currency.
    ///
    /// # Errors
    /// If `amount` is not a decimal number.
    pub fn amount(&self, amount: &str, code: &str) -> Result<String, LocaleFormatError> {
        let decimal: Decimal =
            amount.parse().map_err(|_| LocaleFormatError(format!("{amount} is not an amount")))?;
        Ok(format!("{} {code}", self.amounts.format(&decimal)))
    }

    /// Formats a decimal number.
    ///
    /// # Errors
    /// If `number` is not a decimal number.
    pub fn number(&self, number: &str) -> Result<String, LocaleFormatError> {
        let decimal: Decimal =
            number.parse().map_err(|_| LocaleFormatError(format!("{number} is not a number")))?;
        Ok(self.amounts.format(&decimal).to_string())
    }

    /// Formats a date given as YYYY-MM-DD.
    ///
    /// # Errors
    /// If the date does not exist.
    pub fn date(&self, day: &str) -> Result<String, LocaleFormatError> {
        Ok(self.dates.format(&parse(day)?).to_string())
    }

    /// Formats a date and time, to the minute.
    ///
    /// # Errors
    /// If the date is outside the calendar's range.
    pub fn date_time(&self, date_time: NaiveDateTime) -> Result<String, LocaleFormatError> {
        let unwritable = || LocaleFormatError(format!("{date_time} is not a time"));
        let part = |number: u32| u8::try_from(number).map_err(|_| unwritable());
        let time = Time::try_new(part(date_time.hour())?, part(date_time.minute())?, 0, 0)
            .map_err(|_| unwritable())?;
        Ok(self.date_times.format(&DateTime { date: iso(date_time.date())?, time }).to_string())
    }

    /// Formats a date given as YYYY-MM-DD in digits, where space is short.
    ///
    /// # Errors
    /// If the date does not exist.
    pub fn short_date(&self, day: &str) -> Result<String, LocaleFormatError> {
        Ok(self.short_dates.format(&parse(day)?).to_string())
    }

    /// Formats the month and year of a date given as YYYY-MM-DD.
    ///
    /// # Errors
    /// If the date does not exist.
    pub fn month(&self, day: &str) -> Result<String, LocaleFormatError> {
        Ok(self.months.format(&parse(day)?).to_string())
    }

    /// Formats the abbreviated month and year of a date given as YYYY-MM-DD.
    ///
    /// # Errors
    /// If the date does not exist.
    pub fn short_month(&self, day: &str) -> Result<String, LocaleFormatError> {
        Ok(self.short_months.format(&parse(day)?).to_string())
    }
}

fn parse(day: &str) -> Result<Date<Iso>, LocaleFormatError> {
    iso(day.parse().map_err(|_| LocaleFormatError(format!("{day} is not a date")))?)
}

fn iso(day: NaiveDate) -> Result<Date<Iso>, LocaleFormatError> {
    let unwritable = || LocaleFormatError(format!("{day} is not a date"));
    let part = |number: u32| u8::try_from(number).map_err(|_| unwritable());
    Date::try_new_iso(day.year(), part(day.month())?, part(day.day())?).map_err(|_| unwritable())
}

#[cfg(test)]
mod tests {
    use super::LocaleFormatter;

    #[test]
    fn each_locale_has_its_own_format() {
        for (language, amount, day, short, months) in [
            ("en", "-1,234,567.50 USD", "November 3, 2026", "11/3/26", ["November 2026", "Nov 2026"]),
            ("de", "-1.234.567,50 USD", "3. November 2026", "03.11.26", ["November 2026", "11/2026"]),
            (
                "fr",
                "-1\u{202f}234\u{202f}567,50 USD",
                "3 novembre 2026",
                "03/11/2026",
                ["novembre 2026", "nov. 2026"],
            ),
            (
                "es",
                "-1.234.567,50 USD",
                "3 de noviembre de 2026",
                "3/11/26",
                ["noviembre de 2026", "nov 2026"],
            ),
            (
                "pt",
                "-1\u{a0}234\u{a0}567,50 USD",
                "3 de novembro de 2026",
                "03/11/26",
                ["novembro de 2026", "11/2026"],
            ),
        ] {
            let formatter = LocaleFormatter::new(language).expect(language);
            assert_eq!(formatter.amount("-1234567.50", "USD").expect("an amount"), amount, "{language}");
            assert_eq!(formatter.date("2026-11-03").expect("a day"), day, "{language}");
            assert_eq!(formatter.short_date("2026-11-03").expect("a day"), short, "{language}");
            assert_eq!(formatter.month("2026-11-03").expect("a day"), months[0], "{language}");
            assert_eq!(formatter.short_month("2026-11-03").expect("a day"), months[1], "{language}");
        }
        let date_time = "2026-11-03T16:05:59".parse().expect("a time");
        assert_eq!(
            ["en", "de", "fr", "es", "pt"].map(|language| LocaleFormatter::new(language)
                .expect(language)
                .date_time(date_time)
                .expect("a time")),
            [
                "November 3, 2026 at 4:05\u{202f}PM",
                "3. November 2026 um 16:05",
                "3 novembre 2026 à 16:05",
                "3 de noviembre de 2026 a las 16:05",
                "3 de novembro de 2026 às 16:05"
            ]
        );
        let formatter = LocaleFormatter::new("en").expect("a language");
        assert!(formatter.amount("1e", "USD").is_err() && formatter.date("2026-02-30").is_err());
        assert!(LocaleFormatter::new("no language").is_err());
    }
}
