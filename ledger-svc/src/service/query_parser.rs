//! Parses query parameters, and reports all violations at once.

use chrono::{Datelike as _, Months, NaiveDate};
use fintrac_money::{Currency, Household};
use kit_core::date;
use kit_core::error::FieldViolation;

use super::LedgerUseCases;
use crate::domain::interval::{Interval, MAX_INTERVALS, Span};
use crate::domain::parse;
use crate::error::Error;

const DATE_HINT: &str = "The day must have the form YYYY-MM-DD.";
const CURRENCY_HINT: &str = "The currency is unknown. Send a code from GET /api/v1/currencies.";

/// The violations of the parameters that were parsed so far.
#[derive(Default)]
pub struct QueryParser(Vec<FieldViolation>);

impl QueryParser {
    pub fn reject(&mut self, field: &str, text: impl Into<String>) {
        self.0.push(FieldViolation::parameter(field, text));
    }

    pub fn add_violation(&mut self, violation: FieldViolation) {
        self.0.push(violation);
    }

    /// Parses a parameter; returns `None` if it is empty or invalid.
    pub fn parse<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        hint: &str,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let found = parse(text);
        if found.is_none() {
            self.reject(field, hint);
        }
        found
    }

    /// Parses a parameter; an empty one means `default`.
    pub fn parse_or<T>(
        &mut self,
        field: &str,
        text: &str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
        hint: &str,
    ) -> Option<T> {
        if text.is_empty() { Some(default) } else { self.parse(field, text, parse, hint) }
    }

    pub fn date(&mut self, field: &str, text: &str) -> Option<NaiveDate> {
        self.parse(field, text, parse_date, DATE_HINT)
    }

    pub fn date_or(&mut self, field: &str, text: &str, default: NaiveDate) -> Option<NaiveDate> {
        self.parse_or(field, text, default, parse_date, DATE_HINT)
    }

    pub fn currency(&mut self, field: &str, code: &str) -> Option<Currency> {
        self.parse(field, code, Currency::from_code, CURRENCY_HINT)
    }

    pub fn currency_or(&mut self, field: &str, code: &str, default: Currency) -> Option<Currency> {
        self.parse_or(field, code, default, Currency::from_code, CURRENCY_HINT)
    }

    /// Parses a currency that must be sent.
    pub fn required_currency(&mut self, field: &str, code: &str) -> Option<Currency> {
        if code.is_empty() {
            self.reject(field, CURRENCY_HINT);
        }
        self.currency(field, code)
    }

    /// Returns the parsed parameters, or all violations.
    pub fn finish<T>(self, parsed: Option<T>) -> Result<T, Error> {
        match parsed {
            Some(parsed) if self.0.is_empty() => Ok(parsed),
            _ => Err(Error::query(self.0)),
        }
    }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    date::parse(text).filter(|_| text.len() == 10)
}

impl LedgerUseCases {
    /// Parses the span of a query; empty parameters mean the year up to today.
    pub(super) fn parse_span(
        &self,
        household: &Household,
        (from, to): (&str, &str),
        query: &mut QueryParser,
    ) -> Option<Span> {
        let to = query.date_or("to", to, household.today(self.clock.now()));
        let year_before = to.and_then(|to| to.checked_sub_months(Months::new(12))?.succ_opt());
        let from = if from.is_empty() { year_before } else { query.date("from", from) };
        let (from, to) = (from?, to?);
        if from > to {
            query.reject("to", "The last day must not be before from. Send a later day.");
            return None;
        }
        Some(Span { from, to })
    }

    /// Parses the span of a query; empty parameters mean the current month to date.
    pub(super) fn parse_span_or_current_month(
        &self,
        household: &Household,
        (from, to): (&str, &str),
        query: &mut QueryParser,
    ) -> Option<Span> {
        if !from.is_empty() {
            return self.parse_span(household, (from, to), query);
        }
        let span = self.parse_span(household, ("1900-01-01", to), query)?;
        Some(Span { from: span.to.with_day(1)?, to: span.to })
    }

    /// Parses the span of a query and splits it into intervals.
    ///
    /// Empty parameters mean the year up to today, by month.
    pub(super) fn parse_spans(
        &self,
        household: &Household,
        span: (&str, &str),
        interval: &str,
    ) -> Result<(Vec<Span>, Interval), Error> {
        let mut query = QueryParser::default();
        let span = self.parse_span(household, span, &mut query);
        let hint = "The interval must be day, week or month.";
        let interval = query.parse_or("interval", interval, Interval::Month, parse, hint);
        let (span, interval) = query.finish(span.zip(interval))?;
        Ok((span.split_by(interval).ok_or_else(too_many_intervals)?, interval))
    }
}

/// Returns the error for a span that has too many intervals.
pub(super) fn too_many_intervals() -> Error {
    let text = format!(
        "The span must have at most {MAX_INTERVALS} intervals. Send a later start or a longer interval."
    );
    Error::query(vec![FieldViolation::parameter("from", text)])
}
