//! Lists all exchange rates of a day from one base.

use chrono::NaiveDate;
use fintrac_kit::access::RequestContext;
use fintrac_kit::date;
use fintrac_kit::error::FieldViolation;
use fintrac_money::{Currency, Household};

use super::LedgerUseCases;
use crate::domain::rate::Rate;
use crate::error::Error;
use crate::store::exchange_rates;

/// The rates of one day from one base.
#[derive(Debug)]
pub struct RateList {
    pub base: Currency,
    pub day: NaiveDate,
    pub rates: Vec<(Currency, Rate)>,
}

impl LedgerUseCases {
    /// Lists the rates of a day.
    ///
    /// `base` defaults to the household's currency, `date` to today.
    pub async fn list_exchange_rates(
        &self,
        ctx: &RequestContext,
        base: &str,
        date: &str,
    ) -> Result<RateList, Error> {
        let household = self.household(ctx).await?;
        let mut violations = Vec::new();
        let base = parse_currency("base", base, Some(household.currency), &mut violations);
        let day = self.parse_date_or_today("date", date, &household, &mut violations);
        let (Some(base), Some(day)) = (base, day) else { return Err(Error::InvalidQuery(violations)) };
        let quote_keys = Currency::all().map(|currency| (currency, day));
        let quotes = exchange_rates::newest(&mut *self.pool.acquire().await?, quote_keys).await?;
        let others = Currency::all().filter(|currency| *currency != base);
        let rates = others.filter_map(|to| Some((to, quotes.cross(base, to, day)?))).collect();
        Ok(RateList { base, day, rates })
    }

    pub(super) fn parse_date_or_today(
        &self,
        field: &str,
        text: &str,
        household: &Household,
        violations: &mut Vec<FieldViolation>,
    ) -> Option<NaiveDate> {
        if text.is_empty() {
            return Some(household.today(self.clock.now()));
        }
        let found = date::parse(text).filter(|_| text.len() == 10);
        if found.is_none() {
            violations.push(FieldViolation::new(
                field,
                "PARAMETER_INVALID",
                "The day must have the form YYYY-MM-DD.",
            ));
        }
        found
    }
}

/// Parses a currency parameter; an empty one means `default`.
pub(super) fn parse_currency(
    field: &str,
    code: &str,
    default: Option<Currency>,
    violations: &mut Vec<FieldViolation>,
) -> Option<Currency> {
    let found = if code.is_empty() { default } else { Currency::from_code(code) };
    if found.is_none() {
        let text = "The currency is unknown. Send a code from GET /api/v1/currencies.";
        violations.push(FieldViolation::new(field, "PARAMETER_INVALID", text));
    }
    found
}
