use chrono::NaiveDate;
use fintrac_money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A signed posting that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub account_id: Uuid,
    /// Whether the account is one of the household, not a nominal account.
    pub is_own: bool,
    pub amount: Money,
    pub day: NaiveDate,
    pub is_reversal: bool,
    /// The value in the household's currency. None if no rate is known.
    pub household: Option<Valuation>,
}

/// The valuation of a posting, fixed when it is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valuation {
    pub amount: Money,
    /// The rate from the posting's currency, with its day.
    ///
    /// None if the posting is in the household's currency, if the user entered the
    /// household amount, or if the value is that of another posting.
    pub rate: Option<(Decimal, NaiveDate)>,
}

impl Valuation {
    #[must_use]
    pub fn negated(self) -> Self {
        Self { amount: self.amount.negated(), ..self }
    }

    /// Returns the value for a posting in another currency than the converted one.
    #[must_use]
    pub fn without_rate(self) -> Self {
        Self { rate: None, ..self }
    }
}

impl Posting {
    /// Returns the reversal of this posting, with its day, rate and valuation.
    pub fn reversed(&self) -> Self {
        let household = self.household.map(Valuation::negated);
        Self { amount: self.amount.negated(), is_reversal: true, household, ..self.clone() }
    }
}
