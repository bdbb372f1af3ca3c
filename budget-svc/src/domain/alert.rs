//! Which thresholds spending has reached.

use super::percent::reaches;

/// The most that a threshold can be, percent.
pub const HIGHEST: i32 = 1000;
/// From here on the budget is spent.
pub const WHOLE: i32 = 100;

/// How a budget stands in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    OnTrack,
    /// A threshold is reached.
    Warning,
    /// All of it is spent.
    Exceeded,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnTrack => "on_track",
            Self::Warning => "warning",
            Self::Exceeded => "exceeded",
        }
    }

    pub fn of(spent: i64, budgeted: i64, thresholds: &[i32]) -> Self {
        if reaches(spent, WHOLE, budgeted) {
            Self::Exceeded
        } else if reached(spent, budgeted, thresholds).next().is_some() {
            Self::Warning
        } else {
            Self::OnTrack
        }
    }
}

/// The thresholds that `spent` has reached, in their order.
pub fn reached(spent: i64, budgeted: i64, thresholds: &[i32]) -> impl Iterator<Item = i32> {
    thresholds.iter().copied().filter(move |percent| reaches(spent, *percent, budgeted))
}

#[cfg(test)]
mod tests {
    use super::{Standing, reached};

    #[test]
    fn a_threshold_is_reached_at_the_cent() {
        let at = |spent| reached(spent, 10_000, &[50, 80, 100, 120]).collect::<Vec<_>>();
        assert!(at(-100).is_empty() && at(4_999).is_empty());
        assert_eq!(at(5_000), [50]);
        assert_eq!(at(9_999), [50, 80]);
        assert_eq!(at(12_000), [50, 80, 100, 120]);
        let standing = |spent| Standing::of(spent, 10_000, &[80, 100]);
        assert_eq!(
            [standing(7_999), standing(8_000), standing(9_999), standing(10_000)],
            [Standing::OnTrack, Standing::Warning, Standing::Warning, Standing::Exceeded]
        );
        assert_eq!(Standing::of(10_000, 10_000, &[]), Standing::Exceeded);
    }
}
