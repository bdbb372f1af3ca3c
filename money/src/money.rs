//! Amounts: whole minor units of a currency, checked operations only.

use std::fmt;

use kit_core::error::{FieldCode, FieldViolation};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::Currency;

/// The largest amount that clients may send, in minor units.
pub const MAX_MINOR_UNITS: i64 = 100_000_000_000_000_000;

/// An amount of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// Creates an amount of `minor` minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Returns the amount zero in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Returns the minor units, e.g. the cents of a dollar amount.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Returns the currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Returns whether the amount is zero.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Adds `other`.
    /// `None` if the currencies differ or the sum is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self { minor, ..self })
    }

    /// Subtracts `other`.
    /// `None` if the currencies differ or the difference is out of range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.negated())
    }

    /// Returns the amount with the opposite sign.
    /// The smallest integer has no opposite and saturates; no stored amount comes near it.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { minor: self.minor.saturating_neg(), ..self }
    }

    /// Returns the amount without its sign; saturates like [`Self::negated`].
    #[must_use]
    pub fn abs(self) -> Self {
        Self { minor: self.minor.saturating_abs(), ..self }
    }

    /// Splits the amount in proportion to `weights`.
    ///
    /// The weights must not be negative, and one must be above zero. The shares sum to the amount:
    /// what rounding leaves goes to the largest remainders, and among equal ones to the first.
    /// `None` if the weights sum to zero or cannot be summed.
    pub fn allocate(self, weights: &[i64]) -> Option<Vec<Self>> {
        let total = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(i128::from(*weight)));
        let total = total.filter(|total| *total > 0)?;
        let (mut shares, mut remainders) = (Vec::new(), Vec::new());
        let mut left = i128::from(self.minor);
        for (index, weight) in weights.iter().enumerate() {
            let product = i128::from(self.minor).checked_mul(i128::from(*weight))?;
            let share = product.checked_div(total)?;
            left = left.checked_sub(share)?;
            remainders.push((product.checked_rem(total)?.unsigned_abs(), index));
            shares.push(share);
        }
        remainders.sort_by(|(one, first), (other, second)| other.cmp(one).then(first.cmp(second)));
        let step = left.signum();
        for (_, index) in remainders.into_iter().take(usize::try_from(left.unsigned_abs()).ok()?) {
            let share = shares.get_mut(index)?;
            *share = share.checked_add(step)?;
        }
        shares.into_iter().map(|share| Some(Self { minor: i64::try_from(share).ok()?, ..self })).collect()
    }

    /// Returns the exact decimal.
    pub fn decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(self.minor.into(), self.currency.decimals())
    }

    /// Parses an amount that another service printed.
    /// Every amount that can be stored is valid.
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        minor(Decimal::from_str_exact(text).ok()?, currency).map(|minor| Self { minor, currency })
    }

    /// Rounds `decimal` to minor units, half to even.
    /// `None` if the result cannot be stored.
    pub fn rounded(decimal: Decimal, currency: Currency) -> Option<Self> {
        let rounded =
            decimal.round_dp_with_strategy(currency.decimals(), RoundingStrategy::MidpointNearestEven);
        minor(rounded, currency).map(|minor| Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.decimal().fmt(f)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self, self.currency)
    }
}

/// Converts a decimal that has no more digits than the currency.
fn minor(decimal: Decimal, currency: Currency) -> Option<i64> {
    let missing = currency.decimals().checked_sub(decimal.scale())?;
    let factor = 10_i128.checked_pow(missing)?;
    i64::try_from(decimal.mantissa().checked_mul(factor)?).ok()
}

/// An amount as a client wrote it, before its currency is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(Decimal);

/// The reason for which an amount is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountError {
    /// The text does not match `-?(0|[1-9][0-9]*)(\.[0-9]+)?`.
    Malformed,
    /// The amount exceeds [`MAX_MINOR_UNITS`].
    TooLarge,
    /// The amount has more decimals than the currency.
    Decimals(Currency),
    /// The amount is zero or negative where it must be positive.
    NotPositive,
}

impl AmountError {
    /// Returns the violation that reports this error on `field`.
    pub fn violation(self, field: &str) -> FieldViolation {
        let code = match self {
            Self::Malformed => FieldCode::AmountInvalid,
            Self::TooLarge => FieldCode::AmountTooLarge,
            Self::Decimals(currency) => {
                let text =
                    format!("{currency} has {} decimals. Send at most that many.", currency.decimals());
                return FieldViolation::new(field, FieldCode::AmountTooPrecise, text);
            }
            Self::NotPositive => FieldCode::AmountNotPositive,
        };
        FieldViolation::from_code(field, code)
    }
}

impl Amount {
    /// Parses text that matches `-?(0|[1-9][0-9]*)(\.[0-9]+)?` exactly.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if !all_digits(whole) || leading_zero || fraction.is_some_and(|fraction| !all_digits(fraction)) {
            return Err(AmountError::Malformed);
        }
        // Valid text with more than 28 digits is too large or too precise for every currency.
        if whole.len() > 18 {
            return Err(AmountError::TooLarge);
        }
        let fraction = fraction.unwrap_or_default();
        let kept = fraction.get(..fraction.len().min(9)).unwrap_or_default();
        let text = text.get(..text.len().saturating_sub(fraction.len().saturating_sub(kept.len())));
        text.and_then(|text| Decimal::from_str_exact(text).ok()).map(Self).ok_or(AmountError::Malformed)
    }

    /// Returns the amount in `currency`.
    pub fn in_currency(self, currency: Currency) -> Result<Money, AmountError> {
        if self.0.scale() > currency.decimals() {
            return Err(AmountError::Decimals(currency));
        }
        match minor(self.0, currency) {
            Some(minor) if minor.saturating_abs() <= MAX_MINOR_UNITS => Ok(Money { minor, currency }),
            Some(_) | None => Err(AmountError::TooLarge),
        }
    }

    /// Returns the amount in `currency`, which must be above zero.
    pub fn positive(self, currency: Currency) -> Result<Money, AmountError> {
        let money = self.in_currency(currency)?;
        if money.minor > 0 { Ok(money) } else { Err(AmountError::NotPositive) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Amount, AmountError, MAX_MINOR_UNITS, Money};
    use crate::Currency;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect(code)
    }

    proptest! {
        #[test]
        fn parse_after_print_is_the_identity(minor in -MAX_MINOR_UNITS..=MAX_MINOR_UNITS, at in any::<prop::sample::Index>()) {
            let all: Vec<_> = Currency::all().collect();
            let money = Money::new(minor, all[at.index(all.len())]);
            let read = Amount::parse(&money.to_string()).and_then(|amount| amount.in_currency(money.currency()));
            prop_assert_eq!(read, Ok(money));
            prop_assert_eq!(Money::parse(&money.to_string(), money.currency()), Some(money));
        }

        #[test]
        fn exactly_the_text_of_the_grammar_parses(text in "[-+0-9.eE_ ]{0,12}") {
            let grammar = |text: &str| {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
                let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
                number(whole) && number(fraction) && (whole == "0" || !whole.starts_with('0'))
            };
            prop_assert_eq!(Amount::parse(&text).is_ok(), grammar(&text), "{}", text);
        }
    }

    #[test]
    fn each_invalid_amount_has_its_own_error() {
        let read =
            |text: &str, code: &str| Amount::parse(text).and_then(|amount| amount.positive(currency(code)));
        assert_eq!(read("12.5", "USD"), Ok(Money::new(1250, currency("USD"))));
        assert_eq!(read("12.500", "USD"), Err(AmountError::Decimals(currency("USD"))));
        assert_eq!(read("1.5", "JPY"), Err(AmountError::Decimals(currency("JPY"))));
        assert_eq!(read("0.00000001", "BTC"), Ok(Money::new(1, currency("BTC"))));
        assert_eq!(
            read(&format!("0.{}1", "0".repeat(60)), "BTC"),
            Err(AmountError::Decimals(currency("BTC")))
        );
        assert_eq!(read("1000000000000000.00", "USD"), Ok(Money::new(MAX_MINOR_UNITS, currency("USD"))));
        assert_eq!(read("1000000000000000.01", "USD"), Err(AmountError::TooLarge));
        assert_eq!(read("100000000000000000", "JPY"), Ok(Money::new(MAX_MINOR_UNITS, currency("JPY"))));
        assert_eq!(read("100000000000000001", "JPY"), Err(AmountError::TooLarge));
        assert_eq!(
            read("20000000.00000000", "SHIB"),
            Ok(Money::new(2_000_000_000_000_000, currency("SHIB")))
        );
        assert_eq!(read(&"9".repeat(60), "JPY"), Err(AmountError::TooLarge));
        assert_eq!(read("0", "USD"), Err(AmountError::NotPositive));
        assert_eq!(read("-1", "USD"), Err(AmountError::NotPositive));
        for bad in ["", "-", ".5", "5.", "1_000", "1e3", "+1", "01", "0x1", "١", " 1", "1,5", "NaN"] {
            assert_eq!(read(bad, "USD"), Err(AmountError::Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_whole_and_none_is_off_by_one(
            minor in -MAX_MINOR_UNITS..=MAX_MINOR_UNITS,
            weights in prop::collection::vec(0..MAX_MINOR_UNITS, 1..50),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let shares = Money::new(minor, currency("EUR")).allocate(&weights).expect("shares");
            prop_assert_eq!(shares.iter().map(|share| share.minor()).sum::<i64>(), minor);
            let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (share, weight) in shares.iter().zip(&weights) {
                let exact = i128::from(minor) * i128::from(*weight);
                prop_assert!((i128::from(share.minor()) * total - exact).abs() < total, "{share} of {weight}");
            }
        }
    }

    #[test]
    fn the_largest_remainders_get_the_rest() {
        let shares = |minor, weights: &[i64]| {
            let shares = Money::new(minor, currency("EUR")).allocate(weights).expect("shares");
            shares.into_iter().map(Money::minor).collect::<Vec<_>>()
        };
        assert_eq!(shares(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shares(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(shares(10, &[334, 333, 333]), [4, 3, 3]);
        assert_eq!(shares(1, &[1, 2, 2]), [0, 1, 0]);
        assert_eq!(Money::new(1, currency("EUR")).allocate(&[]), None);
        assert_eq!(Money::new(1, currency("EUR")).allocate(&[0]), None);
    }

    #[test]
    fn rounding_is_half_to_even() {
        let round =
            |text: &str| Money::rounded(text.parse().expect("a decimal"), currency("USD")).map(Money::minor);
        assert_eq!(
            [round("0.005"), round("0.015"), round("0.025"), round("-0.015")],
            [Some(0), Some(2), Some(2), Some(-2)]
        );
        assert_eq!(round("79228162514264337593543950335"), None);
    }
}
