//! Rollover: carrying the remainder of a period into the next one.

/// The part of a period's remainder that is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollover {
    #[default]
    None,
    /// The remainder if it is positive.
    Surplus,
    /// The remainder if it is negative, after overspending.
    Deficit,
    Both,
}

impl Rollover {
    const ALL: [Self; 4] = [Self::None, Self::Surplus, Self::Deficit, Self::Both];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Surplus => "surplus",
            Self::Deficit => "deficit",
            Self::Both => "both",
        }
    }

    /// Parses a rollover in any letter case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// Returns the part of the remainder `left` that is carried over, minor units.
    pub fn carry_over(self, left: i64) -> i64 {
        match self {
            Self::None => 0,
            Self::Surplus => left.max(0),
            Self::Deficit => left.min(0),
            Self::Both => left,
        }
    }
}
