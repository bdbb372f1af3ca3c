//! From a transaction's terms to its signed legs.

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::nominal::{NominalAccount, Purpose};
use super::resolve::{Category, Terms};
use crate::domain::rate::{Quotes, Rate};
use crate::domain::transaction::TransactionType;

/// One signed leg, not yet numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub account_id: Uuid,
    /// An account of the household, not a nominal one.
    pub is_own: bool,
    pub amount: Money,
    pub day: NaiveDate,
    pub is_reversal: bool,
    /// None: open, no rate is known.
    pub household: Option<Valuation>,
}

/// A leg's amount in the household's currency, frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valuation {
    pub amount: Money,
    /// None: the leg is in that currency, or the user said the amount himself.
    pub rate: Option<(Decimal, NaiveDate)>,
}

impl Leg {
    /// The leg that undoes this one: its day, rate and household amount.
    pub fn reversed(&self) -> Self {
        let household = self.household.map(|value| Valuation { amount: value.amount.negated(), ..value });
        Self { amount: self.amount.negated(), is_reversal: true, household, ..self.clone() }
    }
}

/// The converted amount cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Where rates come from: those that an edit keeps, then the day's.
#[derive(Debug)]
pub struct Rates<'a> {
    pub quotes: &'a Quotes,
    /// From the word's currency to the account's.
    pub kept: Option<(Currency, Currency, Rate)>,
    /// From a leg's currency to the household's.
    pub kept_valuations: Vec<(Currency, (Decimal, NaiveDate))>,
}

impl Rates<'_> {
    /// `money` in `to` and the rate that it took; none when no rate is known.
    pub fn convert(
        &self,
        money: Money,
        to: Currency,
        day: NaiveDate,
    ) -> Result<Option<(Money, Rate)>, TooLarge> {
        let from = money.currency();
        let kept = self.kept.filter(|(source, target, _)| *source == from && *target == to);
        let rate = kept.map(|(_, _, rate)| rate).or_else(|| self.quotes.cross(from, to, day));
        let Some(rate) = rate else { return Ok(None) };
        Ok(Some((rate.convert(money, to).ok_or(TooLarge)?, rate)))
    }

    fn value(
        &self,
        money: Money,
        household: Currency,
        day: NaiveDate,
    ) -> Result<Option<Valuation>, TooLarge> {
        let from = money.currency();
        if from == household {
            return Ok(Some(Valuation { amount: money, rate: None }));
        }
        let kept = self.kept_valuations.iter().find(|(currency, _)| *currency == from).map(|(_, rate)| *rate);
        let fresh = || self.quotes.cross(from, household, day).map(|rate| (rate.value, rate.day));
        let Some((rate, published)) = kept.or_else(fresh) else { return Ok(None) };
        let amount = money.decimal().checked_mul(rate).and_then(|it| Money::rounded(it, household));
        Ok(Some(Valuation { amount: amount.ok_or(TooLarge)?, rate: Some((rate, published)) }))
    }
}

/// The legs of a transaction, and the nominal accounts among them.
#[derive(Debug)]
pub struct Legs {
    pub legs: Vec<Leg>,
    pub nominal: Vec<NominalAccount>,
}

/// Signed legs of `terms`: what moves on the own accounts, and its opposite on
/// nominal ones, per currency.
pub fn legs(
    household_id: Uuid,
    household: Currency,
    terms: &Terms,
    change: Money,
    to_change: Option<Money>,
    rates: &Rates<'_>,
) -> Result<Legs, TooLarge> {
    let mut made = Maker {
        household_id,
        household,
        day: terms.date,
        rates,
        change,
        word: terms.amount,
        overflows: false,
        legs: Vec::new(),
        nominal: Vec::new(),
    };
    if let (Some(arrives), Some(to)) = (to_change, terms.to_account_id) {
        made.own(terms.account_id, change);
        if arrives.currency() != change.currency() {
            made.nominal(Purpose::Exchange, change.negated());
            made.nominal(Purpose::Exchange, arrives.negated());
        }
        made.own(to, arrives);
    } else {
        made.own(terms.account_id, change);
        if terms.splits.is_empty() {
            made.nominal(purpose(terms.transaction_type, terms.category), change.negated());
        } else {
            made.split(terms).ok_or(TooLarge)?;
        }
    }
    if made.overflows {
        return Err(TooLarge);
    }
    Ok(Legs { legs: made.legs, nominal: made.nominal })
}

fn purpose(transaction_type: TransactionType, category: Option<Category>) -> Purpose {
    match (transaction_type, category) {
        (_, Some(category)) => Purpose::Category(category.id),
        (TransactionType::Income, None) => Purpose::Income,
        (TransactionType::Expense, None) => Purpose::Expense,
        (TransactionType::Opening, None) => Purpose::Opening,
        (TransactionType::Adjustment, None) => Purpose::Adjustment,
        (TransactionType::Transfer, None) => Purpose::Exchange,
    }
}

struct Maker<'a> {
    household_id: Uuid,
    household: Currency,
    day: NaiveDate,
    rates: &'a Rates<'a>,
    /// What the account changes by, and what the user said of it.
    change: Money,
    word: Money,
    overflows: bool,
    legs: Vec<Leg>,
    nominal: Vec<NominalAccount>,
}

impl Maker<'_> {
    fn own(&mut self, account_id: Uuid, amount: Money) {
        self.push(account_id, true, amount);
    }

    fn nominal(&mut self, purpose: Purpose, amount: Money) {
        let account = NominalAccount::new(self.household_id, purpose, amount.currency());
        self.nominal.push(account);
        self.push(account.id, false, amount);
    }

    /// The opposite of what moved on the account, shared by the splits; so is its
    /// size in the household's currency.
    fn split(&mut self, terms: &Terms) -> Option<()> {
        let whole = self.change.negated();
        let household = self.value(whole);
        let weights: Vec<_> = terms.splits.iter().map(|split| split.amount.minor()).collect();
        let parts = whole.allocate(&weights)?;
        let values = household.map(|value| value.amount.allocate(&weights));
        let values = match values {
            Some(values) => Some(values?),
            None => None,
        };
        for (at, (split, amount)) in terms.splits.iter().zip(parts).enumerate() {
            let purpose = Purpose::Category(split.category.id);
            let account = NominalAccount::new(self.household_id, purpose, amount.currency());
            self.nominal.push(account);
            let value = values.as_ref().and_then(|values| values.get(at));
            let household = household.zip(value).map(|(whole, value)| Valuation { amount: *value, ..whole });
            let (account_id, day) = (account.id, self.day);
            self.legs.push(Leg { account_id, is_own: false, amount, day, is_reversal: false, household });
        }
        Some(())
    }

    fn push(&mut self, account_id: Uuid, is_own: bool, amount: Money) {
        let household = self.value(amount);
        self.legs.push(Leg { account_id, is_own, amount, day: self.day, is_reversal: false, household });
    }

    /// An amount in the household's currency.
    fn value(&mut self, amount: Money) -> Option<Valuation> {
        // What the user said in the household's currency is not converted back and forth.
        let said = self.word.currency() == self.household
            && amount.currency() != self.household
            && amount.abs() == self.change.abs();
        if said {
            let word = self.word.abs();
            return Some(Valuation {
                amount: if amount.minor() < 0 { word.negated() } else { word },
                rate: None,
            });
        }
        let value = self.rates.value(amount, self.household, self.day);
        self.overflows |= value.is_err();
        value.unwrap_or(None)
    }
}
