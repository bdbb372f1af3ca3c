//! Amounts and days as people of a language write them (CLDR by ICU4X).

use chrono::{Datelike as _, NaiveDate};
use icu_datetime::DateTimeFormatter;
use icu_datetime::fieldsets::{YM, YMD};
use icu_datetime::input::Date;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;
use unic_langid::LanguageIdentifier;

use super::RenderError;

pub struct Words {
    amounts: DecimalFormatter,
    days: DateTimeFormatter<YMD>,
    months: DateTimeFormatter<YM>,
}

impl Words {
    pub fn of(language: &LanguageIdentifier) -> Result<Self, RenderError> {
        let unknown = |error: &dyn std::fmt::Display| RenderError::Unreadable(error.to_string());
        // Portuguese of the house is that of Portugal.
        let name = if language.language.as_str() == "pt" { "pt-PT".to_owned() } else { language.to_string() };
        let locale: Locale = name.parse().map_err(|error| unknown(&error))?;
        Ok(Self {
            amounts: DecimalFormatter::try_new(locale.clone().into(), DecimalFormatterOptions::default())
                .map_err(|error| unknown(&error))?,
            months: DateTimeFormatter::try_new(locale.clone().into(), YM::long())
                .map_err(|error| unknown(&error))?,
            days: DateTimeFormatter::try_new(locale.into(), YMD::long()).map_err(|error| unknown(&error))?,
        })
    }

    /// A decimal amount, with the code of its currency.
    pub fn amount(&self, amount: &str, code: &str) -> Result<String, RenderError> {
        let decimal: Decimal =
            amount.parse().map_err(|_| RenderError::Unreadable(format!("{amount} is no amount")))?;
        Ok(format!("{} {code}", self.amounts.format(&decimal)))
    }

    /// A day given as YYYY-MM-DD.
    pub fn day(&self, day: &str) -> Result<String, RenderError> {
        let (year, month, of_month) = read(day)?;
        let date = Date::try_new_iso(year, month, of_month).map_err(|_| unreadable(day))?;
        Ok(self.days.format(&date).to_string())
    }

    /// The month of such a day, with its year.
    pub fn month(&self, day: &str) -> Result<String, RenderError> {
        let (year, month, of_month) = read(day)?;
        let date = Date::try_new_iso(year, month, of_month).map_err(|_| unreadable(day))?;
        Ok(self.months.format(&date).to_string())
    }
}

/// Year, month and day of the month.
fn read(day: &str) -> Result<(i32, u8, u8), RenderError> {
    let read: NaiveDate = day.parse().map_err(|_| unreadable(day))?;
    match (u8::try_from(read.month()), u8::try_from(read.day())) {
        (Ok(month), Ok(of_month)) => Ok((read.year(), month, of_month)),
        _ => Err(unreadable(day)),
    }
}

fn unreadable(day: &str) -> RenderError {
    RenderError::Unreadable(format!("{day} is no day"))
}
