//! Percentages of amounts in whole minor units of one currency.

use rust_decimal::{Decimal, RoundingStrategy};

/// Returns whether `part` is at least `percent` of `whole`.
pub fn reaches(part: i64, percent: i32, whole: i64) -> bool {
    let (part, percent, whole) = (i128::from(part), i128::from(percent), i128::from(whole));
    // 64-bit amounts times a few thousand never exceed 128 bits.
    part.saturating_mul(100) >= percent.saturating_mul(whole)
}

/// Returns `part` in percent of `whole`, rounded down to two decimals.
/// `whole` must be above zero.
pub fn percentage(part: i64, whole: i64) -> Decimal {
    let hundred = Decimal::ONE_HUNDRED;
    let share = Decimal::from(part)
        .checked_mul(hundred)
        .and_then(|product| product.checked_div(Decimal::from(whole)));
    let mut rounded =
        share.unwrap_or_default().round_dp_with_strategy(2, RoundingStrategy::ToNegativeInfinity);
    rounded.rescale(2);
    rounded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::{percentage, reaches};

    proptest! {
        #[test]
        fn the_percentage_passes_a_threshold_exactly_when_it_is_reached(part in -1_000_000_i64..10_000_000, whole in 1_i64..1_000_000, percent in 1..1000_i32) {
            let shown = percentage(part, whole);
            prop_assert_eq!(shown >= Decimal::from(percent), reaches(part, percent, whole));
        }
    }

    #[test]
    fn shares_are_rounded_down() {
        let text = |part, whole| percentage(part, whole).to_string();
        assert_eq!(
            [text(1, 3), text(79_999, 100_000), text(0, 5), text(-1, 3)],
            ["33.33", "79.99", "0.00", "-33.34"]
        );
        assert!(reaches(1_000_000_000_000_000, 1000, 100_000_000_000_000));
    }
}
