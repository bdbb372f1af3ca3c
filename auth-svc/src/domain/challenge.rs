//! What is proved by email, how long a proof is good, and for how many tries.

use chrono::{DateTime, TimeDelta, Utc};

const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);
const MAX_ATTEMPTS: i32 = 5;

/// What a proof by email is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Purpose {
    /// A new user's address.
    VerifyEmail,
    /// A new password for somebody who forgot his.
    ResetPassword,
    /// A user's other address.
    ChangeEmail,
}

/// The lifetimes of one challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    pub code_expires_at: DateTime<Utc>,
    pub token_expires_at: DateTime<Utc>,
}

impl Purpose {
    /// Lifetimes of a challenge that is opened at `now`.
    pub fn lifetimes(self, now: DateTime<Utc>) -> Lifetimes {
        let link = match self {
            Self::VerifyEmail | Self::ChangeEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::minutes(60),
        };
        Lifetimes { code_expires_at: now + CODE_LIFETIME, token_expires_at: now + link }
    }

    /// The event that asks for its email.
    pub fn event_kind(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verification_requested",
            Self::ResetPassword => "password_reset_requested",
            Self::ChangeEmail => "email_change_requested",
        }
    }
}

/// Whether a code may still be tried after `attempts` wrong ones.
pub fn is_code_usable(attempts: i32, code_expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    attempts < MAX_ATTEMPTS && now < code_expires_at
}
