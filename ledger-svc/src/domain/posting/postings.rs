//! Builds the signed postings of a transaction.

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::input::ResolvedTransaction;
use super::nominal::{NominalAccount, Purpose};
use super::signed_posting::{Posting, Valuation};
use crate::domain::category::CategoryRef;
use crate::domain::rate::{Quotes, Rate};
use crate::domain::transaction::TransactionType;

/// The error of a converted amount that cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// The rates of a transaction: those that an edit keeps, then those of the day.
#[derive(Debug)]
pub struct Rates<'a> {
    pub quotes: &'a Quotes,
    /// The rate from the entered currency to the account's that an edit keeps.
    pub pinned_rate: Option<(Currency, Currency, Rate)>,
    /// The rates from a posting's currency to the household's that an edit keeps.
    pub pinned_valuations: Vec<(Currency, (Decimal, NaiveDate))>,
}

impl Rates<'_> {
    /// Converts `money` into `to`; returns it with its rate, or `None` without a rate.
    pub fn convert(
        &self,
        money: Money,
        to: Currency,
        day: NaiveDate,
    ) -> Result<Option<(Money, Rate)>, TooLarge> {
        let from = money.currency();
        let pinned = self.pinned_rate.filter(|(source, target, _)| *source == from && *target == to);
        let rate = pinned.map(|(_, _, rate)| rate).or_else(|| self.quotes.cross(from, to, day));
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
        let pinned =
            self.pinned_valuations.iter().find(|(currency, _)| *currency == from).map(|(_, rate)| *rate);
        let current = || self.quotes.cross(from, household, day).map(|rate| (rate.value, rate.day));
        let Some((rate, published)) = pinned.or_else(current) else { return Ok(None) };
        let amount = money.decimal().checked_mul(rate).and_then(|value| Money::rounded(value, household));
        Ok(Some(Valuation { amount: amount.ok_or(TooLarge)?, rate: Some((rate, published)) }))
    }
}

/// The postings of a transaction and the nominal accounts that they use.
#[derive(Debug)]
pub struct PostingSet {
    pub postings: Vec<Posting>,
    pub nominal: Vec<NominalAccount>,
}

/// Builds the postings of `resolved` on own accounts and their counter-postings.
///
/// The counter-postings are on nominal accounts and balance each currency. A
/// category, income or expense posting is in the entered currency; if that is not
/// the account's, two exchange postings connect them. All have the household value
/// of the own posting, so the exchange postings cancel.
pub fn build_postings(
    household_id: Uuid,
    household: Currency,
    resolved: &ResolvedTransaction,
    change: Money,
    to_change: Option<Money>,
    rates: &Rates<'_>,
) -> Result<PostingSet, TooLarge> {
    let mut builder = PostingBuilder {
        household_id,
        household,
        day: resolved.date,
        rates,
        change,
        entered: resolved.amount,
        overflows: false,
        postings: Vec::new(),
        nominal: Vec::new(),
    };
    let value = builder.own(resolved.account_id, change);
    if let (Some(arrives), Some(to)) = (to_change, resolved.to_account_id) {
        if arrives.currency() != change.currency() {
            builder.exchange(change.negated());
            builder.exchange(arrives.negated());
        }
        builder.own(to, arrives);
    } else {
        let entered = resolved.transaction_type.change(resolved.amount);
        let mut back = value.map(Valuation::negated);
        if entered.currency() != change.currency() {
            builder.nominal(Purpose::Exchange, change.negated(), back);
            builder.nominal(Purpose::Exchange, entered, value.map(Valuation::without_rate));
            back = back.map(Valuation::without_rate);
        }
        if resolved.splits.is_empty() {
            let purpose = purpose(resolved.transaction_type, resolved.category);
            builder.nominal(purpose, entered.negated(), back);
        } else {
            builder.split(resolved, back).ok_or(TooLarge)?;
        }
    }
    if builder.overflows {
        return Err(TooLarge);
    }
    Ok(PostingSet { postings: builder.postings, nominal: builder.nominal })
}

fn purpose(transaction_type: TransactionType, category: Option<CategoryRef>) -> Purpose {
    match (transaction_type, category) {
        (_, Some(category)) => Purpose::Category(category.id),
        (TransactionType::Income, None) => Purpose::Income,
        (TransactionType::Expense, None) => Purpose::Expense,
        (TransactionType::Opening, None) => Purpose::Opening,
        (TransactionType::Adjustment, None) => Purpose::Adjustment,
        (TransactionType::Transfer, None) => Purpose::Exchange,
    }
}

struct PostingBuilder<'a> {
    household_id: Uuid,
    household: Currency,
    day: NaiveDate,
    rates: &'a Rates<'a>,
    /// The signed change of the account.
    change: Money,
    /// The amount as entered.
    entered: Money,
    overflows: bool,
    postings: Vec<Posting>,
    nominal: Vec<NominalAccount>,
}

impl PostingBuilder<'_> {
    /// Adds a posting on an account of the household; returns its household value.
    fn own(&mut self, account_id: Uuid, amount: Money) -> Option<Valuation> {
        let value = self.value(amount);
        self.push(account_id, true, amount, value);
        value
    }

    /// Adds an exchange posting that is valued on its own.
    fn exchange(&mut self, amount: Money) {
        let value = self.value(amount);
        self.nominal(Purpose::Exchange, amount, value);
    }

    fn nominal(&mut self, purpose: Purpose, amount: Money, value: Option<Valuation>) {
        let account = NominalAccount::new(self.household_id, purpose, amount.currency());
        self.nominal.push(account);
        self.push(account.id, false, amount, value);
    }

    /// Adds a posting for each split, with its share of the household value.
    fn split(&mut self, resolved: &ResolvedTransaction, value: Option<Valuation>) -> Option<()> {
        let weights: Vec<_> = resolved.splits.iter().map(|split| split.amount.minor()).collect();
        let shares = match value {
            Some(value) => Some(value.amount.allocate(&weights)?),
            None => None,
        };
        for (number, split) in resolved.splits.iter().enumerate() {
            let share = shares.as_ref().and_then(|shares| shares.get(number));
            let value = value.zip(share).map(|(whole, share)| Valuation { amount: *share, ..whole });
            let amount = resolved.transaction_type.change(split.amount).negated();
            self.nominal(Purpose::Category(split.category.id), amount, value);
        }
        Some(())
    }

    fn push(&mut self, account_id: Uuid, is_own: bool, amount: Money, household: Option<Valuation>) {
        self.postings.push(Posting {
            account_id,
            is_own,
            amount,
            day: self.day,
            is_reversal: false,
            household,
        });
    }

    /// Values an amount in the household's currency.
    fn value(&mut self, amount: Money) -> Option<Valuation> {
        // An amount entered in the household's currency is not converted back and forth.
        let entered_in_household = self.entered.currency() == self.household
            && amount.currency() != self.household
            && amount.abs() == self.change.abs();
        if entered_in_household {
            let entered = self.entered.abs();
            return Some(Valuation {
                amount: if amount.minor() < 0 { entered.negated() } else { entered },
                rate: None,
            });
        }
        let value = self.rates.value(amount, self.household, self.day);
        self.overflows |= value.is_err();
        value.unwrap_or(None)
    }
}
