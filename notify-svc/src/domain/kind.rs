/// The kind of an email or notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    Verification,
    AlreadyRegistered,
    Welcome,
    PasswordReset,
    PasswordChanged,
    EmailChange,
    EmailChanged,
    MfaEnabled,
    MfaDisabled,
    RecoveryCodeUsed,
    NewDevice,
    AccountLocked,
    AccountThrottled,
    AccountDeletion,
    AccountRestored,
    BudgetThreshold,
    BudgetExceeded,
    GoalMilestone,
    GoalReached,
    GoalDeadline,
    LargeTransaction,
    RecurringPosted,
    RecurringFailed,
    MonthlyReport,
}

impl NotificationKind {
    pub const ALL: [Self; 24] = [
        Self::Verification,
        Self::AlreadyRegistered,
        Self::Welcome,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailChange,
        Self::EmailChanged,
        Self::MfaEnabled,
        Self::MfaDisabled,
        Self::RecoveryCodeUsed,
        Self::NewDevice,
        Self::AccountLocked,
        Self::AccountThrottled,
        Self::AccountDeletion,
        Self::AccountRestored,
        Self::BudgetThreshold,
        Self::BudgetExceeded,
        Self::GoalMilestone,
        Self::GoalReached,
        Self::GoalDeadline,
        Self::LargeTransaction,
        Self::RecurringPosted,
        Self::RecurringFailed,
        Self::MonthlyReport,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::AlreadyRegistered => "already_registered",
            Self::Welcome => "welcome",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::EmailChange => "email_change",
            Self::EmailChanged => "email_changed",
            Self::MfaEnabled => "mfa_enabled",
            Self::MfaDisabled => "mfa_disabled",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::NewDevice => "new_device",
            Self::AccountLocked => "account_locked",
            Self::AccountThrottled => "account_throttled",
            Self::AccountDeletion => "account_deletion",
            Self::AccountRestored => "account_restored",
            Self::BudgetThreshold => "budget_threshold",
            Self::BudgetExceeded => "budget_exceeded",
            Self::GoalMilestone => "goal_milestone",
            Self::GoalReached => "goal_reached",
            Self::GoalDeadline => "goal_deadline",
            Self::LargeTransaction => "large_transaction",
            Self::RecurringPosted => "recurring_posted",
            Self::RecurringFailed => "recurring_failed",
            Self::MonthlyReport => "monthly_report",
        }
    }

    /// The public name, used in preferences and in `X-FinTrac-Kind`.
    pub fn label(self) -> &'static str {
        match self {
            Self::MfaEnabled | Self::MfaDisabled | Self::RecoveryCodeUsed => "mfa_changed",
            Self::AccountThrottled => "account_locked",
            kind => kind.name(),
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The prefix of the ids of its texts: the name with dashes.
    pub fn text_prefix(self) -> String {
        self.name().replace('_', "-")
    }
}
