//! Converts an amount to another currency at the rate of a day.

use fintrac_money::{Amount, Money};
use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use rust_decimal::Decimal;

use super::LedgerUseCases;
use super::query_parser::QueryParser;
use crate::domain::rate::{Rate, Source};
use crate::error::Error;
use crate::store::exchange_rates;

/// An amount, its value in another currency, and the rate between them.
#[derive(Debug)]
pub struct Conversion {
    pub amount: Money,
    pub result: Money,
    pub rate: Rate,
}

impl LedgerUseCases {
    /// Converts `amount` at the rate of `date`; an empty `date` means today.
    pub async fn convert_amount(
        &self,
        ctx: &RequestContext,
        from: &str,
        to: &str,
        amount: &str,
        date: &str,
    ) -> Result<Conversion, Error> {
        let household = self.household(ctx).await?;
        let mut query = QueryParser::default();
        let from = query.required_currency("from", from);
        let to = query.required_currency("to", to);
        let day = query.date_or("date", date, household.today(self.clock.now()));
        let money = Amount::parse(amount)
            .and_then(|amount| from.map(|currency| amount.in_currency(currency)).transpose());
        let money = money.unwrap_or_else(|error| {
            query.add_violation(error.violation("amount"));
            None
        });
        let ((money, to), day) = query.finish(money.zip(to).zip(day))?;
        if money.currency() == to {
            let rate = Rate { value: Decimal::ONE, day, source: Source::Identity };
            return Ok(Conversion { amount: money, result: money, rate });
        }
        let quote_keys = [(money.currency(), day), (to, day)];
        let quotes = exchange_rates::newest(&mut *self.pool.acquire().await?, quote_keys.into_iter()).await?;
        let rate = quotes.cross(money.currency(), to, day).ok_or(ProblemCode::RateNotFound)?;
        let result = rate.convert(money, to).ok_or_else(|| {
            let text = "The result exceeds the largest supported amount. Send a smaller amount.";
            Error::query(vec![FieldViolation::new("amount", FieldCode::AmountTooLarge, text)])
        })?;
        Ok(Conversion { amount: money, result, rate })
    }
}
