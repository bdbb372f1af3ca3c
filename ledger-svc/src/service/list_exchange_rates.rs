//! Lists all exchange rates of a day from one base.

use chrono::NaiveDate;
use fintrac_money::Currency;
use kit_access::RequestContext;

use super::LedgerUseCases;
use super::query_parser::QueryParser;
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
        let mut query = QueryParser::default();
        let base = query.currency_or("base", base, household.currency);
        let day = query.date_or("date", date, household.today(self.clock.now()));
        let (base, day) = query.finish(base.zip(day))?;
        let quote_keys = Currency::all().map(|currency| (currency, day));
        let quotes = exchange_rates::newest(&mut *self.pool.acquire().await?, quote_keys).await?;
        let others = Currency::all().filter(|currency| *currency != base);
        let rates = others.filter_map(|to| Some((to, quotes.cross(base, to, day)?))).collect();
        Ok(RateList { base, day, rates })
    }
}
