//! Purposes, lifetimes and attempt limits of email challenges.

use chrono::{DateTime, TimeDelta, Utc};

const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);
const MAX_CODE_ATTEMPTS: i32 = 5;

/// The purpose of an email challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Purpose {
    /// Verifies the address of a new user.
    VerifyEmail,
    /// Replaces a forgotten password.
    ResetPassword,
    /// Verifies the new address of a user who changes it.
    ChangeEmail,
}

/// The expiry times of a challenge's code and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryTimes {
    pub code_expires_at: DateTime<Utc>,
    pub token_expires_at: DateTime<Utc>,
}

impl Purpose {
    /// Returns the expiry times of a challenge created at `now`.
    pub fn expiry_times(self, now: DateTime<Utc>) -> ExpiryTimes {
        let token_lifetime = match self {
            Self::VerifyEmail | Self::ChangeEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::minutes(60),
        };
        ExpiryTimes { code_expires_at: now + CODE_LIFETIME, token_expires_at: now + token_lifetime }
    }

    /// Returns the kind of the event for which notify-svc sends the email.
    pub fn event_kind(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verification_requested",
            Self::ResetPassword => "password_reset_requested",
            Self::ChangeEmail => "email_change_requested",
        }
    }
}

/// Returns whether a code is accepted after `attempts` wrong ones.
pub fn is_code_usable(attempts: i32, code_expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    attempts < MAX_CODE_ATTEMPTS && now < code_expires_at
}
