/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Verification,
    AlreadyRegistered,
    Welcome,
    BudgetThreshold,
    BudgetExceeded,
    GoalMilestone,
    GoalReached,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Verification,
        Self::AlreadyRegistered,
        Self::Welcome,
        Self::BudgetThreshold,
        Self::BudgetExceeded,
        Self::GoalMilestone,
        Self::GoalReached,
    ];

    /// The name in the database, in preferences and in `X-FinTrac-Kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::AlreadyRegistered => "already_registered",
            Self::Welcome => "welcome",
            Self::BudgetThreshold => "budget_threshold",
            Self::BudgetExceeded => "budget_exceeded",
            Self::GoalMilestone => "goal_milestone",
            Self::GoalReached => "goal_reached",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
