//! How long a proof by mail is good, and for how many tries.

use chrono::{DateTime, TimeDelta, Utc};

const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);
const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);
const TRIES: i32 = 5;

/// The lifetimes of one challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    pub code_expires_at: DateTime<Utc>,
    pub token_expires_at: DateTime<Utc>,
}

impl Lifetimes {
    pub fn from(now: DateTime<Utc>) -> Self {
        Self { code_expires_at: now + CODE_LIFETIME, token_expires_at: now + LINK_LIFETIME }
    }
}

/// Whether a code may still be tried after `attempts` wrong ones.
pub fn code_is_open(attempts: i32, code_expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    attempts < TRIES && now < code_expires_at
}
