//! What a period leaves to the next one.

/// Which part of what is left, above or below zero, goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollover {
    #[default]
    None,
    /// What was not spent.
    Surplus,
    /// What was spent too much.
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

    /// In any letter case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// What goes over of what is left, minor units.
    pub fn carry_over(self, left: i64) -> i64 {
        match self {
            Self::None => 0,
            Self::Surplus => left.max(0),
            Self::Deficit => left.min(0),
            Self::Both => left,
        }
    }
}
