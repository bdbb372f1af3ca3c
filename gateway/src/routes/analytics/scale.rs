//! Axes of charts with round steps.

use fintrac_money::{Currency, Money};
use kit_locale::LocaleFormatter;

/// A linear axis that contains zero, divided into round steps.
///
/// Integers keep the ticks exact; only positions of pixels are floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    currency: Currency,
    /// The distance between two ticks in minor units.
    step: i128,
    /// The first and the last tick in steps.
    first: i128,
    last: i128,
}

impl Scale {
    /// Creates the scale of `amounts`, which are in minor units.
    ///
    /// It has at most `max_steps` steps, or one more if zero is between the amounts.
    pub fn new(amounts: impl Iterator<Item = i64>, currency: Currency, max_steps: u8) -> Self {
        let (low, high) =
            amounts.map(i128::from).fold((0, 0), |(low, high), amount| (amount.min(low), amount.max(high)));
        let unit = unit(currency);
        let (high, max_steps) = if low == high { (unit, 1) } else { (high, max_steps) };
        let step = round_step(high - low, max_steps);
        Self { currency, step, first: low.div_euclid(step), last: -(-high).div_euclid(step) }
    }

    /// Returns the position of an amount between the first tick, 0, and the last, 1.
    pub fn position(&self, minor: impl Into<i128>) -> f32 {
        let share = (minor.into() - self.first * self.step) * i128::from(u16::MAX)
            / ((self.last - self.first) * self.step);
        f32::from(u16::try_from(share).unwrap_or(u16::MAX)) / f32::from(u16::MAX)
    }

    /// Returns the position and label of each tick.
    ///
    /// Labels have the decimals of the currency if a step is not a whole number.
    pub fn ticks(&self, formatter: &LocaleFormatter) -> Vec<(f32, String)> {
        let unit = unit(self.currency);
        let tick = |index: i128| {
            let minor = index * self.step;
            let text = match (self.step % unit, i64::try_from(minor)) {
                (1.., Ok(minor)) => Money::new(minor, self.currency).to_string(),
                _ => (minor / unit).to_string(),
            };
            (self.position(minor), formatter.number(&text).unwrap_or(text))
        };
        (self.first..=self.last).map(tick).collect()
    }
}

/// Returns the minor units of one unit of a currency.
fn unit(currency: Currency) -> i128 {
    10_i128.pow(currency.decimals())
}

/// Returns the smallest of 1, 2, 2.5 and 5 × 10^n that covers `range` in `max_steps` steps.
fn round_step(range: i128, max_steps: u8) -> i128 {
    // 10^20 is beyond the difference of any two amounts.
    let powers = (0..=20).map(|exponent| 10_i128.pow(exponent));
    let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power / 2, 5 * power]);
    steps.find(|step| range <= step * i128::from(max_steps)).unwrap_or(range)
}

#[cfg(test)]
mod tests {
    use fintrac_money::Currency;
    use kit_locale::LocaleFormatter;

    use super::Scale;

    fn labels(language: &str, code: &str, amounts: &[i64]) -> Vec<String> {
        let currency = Currency::from_code(code).expect(code);
        let formatter = LocaleFormatter::new(language).expect(language);
        let scale = Scale::new(amounts.iter().copied(), currency, 6);
        scale.ticks(&formatter).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn steps_are_round_and_cover_all_amounts() {
        for (code, amounts, expected) in [
            // 3,240 / 6 = 540: the next round number is 1,000.
            ("EUR", &[324_000][..], &["0", "1,000", "2,000", "3,000", "4,000"][..]),
            ("EUR", &[300_000], &["0", "500", "1,000", "1,500", "2,000", "2,500", "3,000"]),
            ("EUR", &[150_000, 20_000], &["0", "250", "500", "750", "1,000", "1,250", "1,500"]),
            ("EUR", &[-120_000, 240_000], &["-2,000", "-1,000", "0", "1,000", "2,000", "3,000"]),
            ("EUR", &[-700], &["-8", "-6", "-4", "-2", "0"]),
            ("EUR", &[1_500], &["0.00", "2.50", "5.00", "7.50", "10.00", "12.50", "15.00"]),
            ("EUR", &[3], &["0.00", "0.01", "0.02", "0.03"]),
            ("JPY", &[12], &["0", "2", "4", "6", "8", "10", "12"]),
            ("KWD", &[1_200], &["0.000", "0.200", "0.400", "0.600", "0.800", "1.000", "1.200"]),
            ("KWD", &[6_000], &["0", "1", "2", "3", "4", "5", "6"]),
            ("EUR", &[0, 0], &["0", "1"]),
            ("JPY", &[], &["0", "1"]),
        ] {
            assert_eq!(labels("en", code, amounts), expected, "{code} {amounts:?}");
        }
        assert_eq!(
            labels("de", "EUR", &[-25_000_000, 30]),
            ["-250.000", "-200.000", "-150.000", "-100.000", "-50.000", "0", "50.000"]
        );
        let most = labels("en", "EUR", &[i64::MIN, i64::MAX]);
        assert_eq!((most.len(), most[0].as_str()), (5, "-100,000,000,000,000,000"));
    }

    #[test]
    fn positions_are_proportional() {
        let eur = Currency::from_code("EUR").expect("EUR");
        let scale = Scale::new([-100_i64, 300].into_iter(), eur, 4);
        for (minor, expected) in [(-100_i64, 0.0), (0, 0.25), (100, 0.5), (300, 1.0)] {
            assert!((scale.position(minor) - expected).abs() < 0.0001, "{minor}");
        }
    }
}
