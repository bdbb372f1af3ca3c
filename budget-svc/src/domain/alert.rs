//! Thresholds that spending has reached.

use super::percent::reaches;

/// The largest threshold, in percent.
pub const MAX_THRESHOLD_PERCENT: i32 = 1000;
/// The percentage from which on a budget is exceeded.
pub const FULL_PERCENT: i32 = 100;

/// The status of a budget in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetStatus {
    OnTrack,
    /// A threshold is reached.
    Warning,
    /// All of the budget is spent.
    Exceeded,
}

impl BudgetStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnTrack => "on_track",
            Self::Warning => "warning",
            Self::Exceeded => "exceeded",
        }
    }

    pub fn from_spending(spent: i64, budgeted: i64, thresholds: &[i32]) -> Self {
        if reaches(spent, FULL_PERCENT, budgeted) {
            Self::Exceeded
        } else if reached(spent, budgeted, thresholds).next().is_some() {
            Self::Warning
        } else {
            Self::OnTrack
        }
    }
}

/// Returns the thresholds that `spent` has reached, in their order.
pub fn reached(spent: i64, budgeted: i64, thresholds: &[i32]) -> impl Iterator<Item = i32> {
    thresholds.iter().copied().filter(move |percent| reaches(spent, *percent, budgeted))
}

#[cfg(test)]
mod tests {
    use super::{BudgetStatus, reached};

    #[test]
    fn a_threshold_is_reached_at_the_cent() {
        let reached_at = |spent| reached(spent, 10_000, &[50, 80, 100, 120]).collect::<Vec<_>>();
        assert!(reached_at(-100).is_empty() && reached_at(4_999).is_empty());
        assert_eq!(reached_at(5_000), [50]);
        assert_eq!(reached_at(9_999), [50, 80]);
        assert_eq!(reached_at(12_000), [50, 80, 100, 120]);
        let status = |spent| BudgetStatus::from_spending(spent, 10_000, &[80, 100]);
        assert_eq!(
            [status(7_999), status(8_000), status(9_999), status(10_000)],
            [BudgetStatus::OnTrack, BudgetStatus::Warning, BudgetStatus::Warning, BudgetStatus::Exceeded]
        );
        assert_eq!(BudgetStatus::from_spending(10_000, 10_000, &[]), BudgetStatus::Exceeded);
    }
}
