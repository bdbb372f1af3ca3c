//! Growing delays that slow down guessing without a permanent lockout.

use chrono::TimeDelta;

/// The kind of attempt that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wrong passwords of one account.
    Account,
    /// Wrong passwords and emailed codes from one IP address (IPv6: one /64).
    CredentialIp,
    /// Wrong codes of one account's second factor.
    SecondFactor,
    /// Wrong passwords of one user within a session.
    Reauthentication,
    /// Wrong emailed codes for one address, across all emails and client networks.
    EmailCode,
    /// Emails requested for one address.
    Email,
    /// Registrations and emails requested from one IP address.
    ClientIp,
    /// Wrong passwords and emailed codes from one site.
    /// A site is an IPv6 /48, which has 65,536 networks.
    CredentialSite,
    /// Registrations and emails requested from one site.
    ClientSite,
}

/// The time without an attempt after which a count is zero.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);
/// The time without an attempt that halves a count.
const HALF_LIFE: TimeDelta = TimeDelta::minutes(15);
const MAX_DELAY: TimeDelta = TimeDelta::minutes(15);

/// Returns the rest of `failures` after `quiet`; it halves every 15 minutes.
pub fn decayed(failures: i32, quiet: TimeDelta) -> i32 {
    let halvings = quiet.num_seconds().max(0) / HALF_LIFE.num_seconds();
    if halvings >= 31 { 0 } else { failures >> halvings }
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::CredentialIp => "credential ip",
            Self::SecondFactor => "second factor",
            Self::Reauthentication => "reauthentication",
            Self::EmailCode => "email code",
            Self::Email => "email",
            Self::ClientIp => "client ip",
            Self::CredentialSite => "credential site",
            Self::ClientSite => "client site",
        }
    }

    /// Returns the scope that counts the site around a network, if there is one.
    pub fn site_scope(self) -> Option<Self> {
        match self {
            Self::CredentialIp => Some(Self::CredentialSite),
            Self::ClientIp => Some(Self::ClientSite),
            _ => None,
        }
    }

    /// Returns the number of attempts before the first delay.
    fn free_attempts(self) -> i32 {
        match self {
            Self::Account | Self::SecondFactor | Self::Reauthentication | Self::Email => 5,
            Self::EmailCode => 20,
            Self::ClientIp => 30,
            Self::CredentialIp => 50,
            Self::ClientSite => 240,
            Self::CredentialSite => 400,
        }
    }

    /// Returns the delay after `attempts` attempts.
    /// It doubles from one second (for emails: one minute) up to 15 minutes.
    pub fn delay(self, attempts: i32) -> TimeDelta {
        let over = attempts - self.free_attempts();
        if over < 0 {
            return TimeDelta::zero();
        }
        let seconds = 1_i64 << over.clamp(0, 20);
        let unit = if self == Self::Email { 60 } else { 1 };
        TimeDelta::seconds(seconds * unit).min(MAX_DELAY)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{Scope, decayed};

    #[test]
    fn quiet_time_halves_the_count() {
        assert_eq!(decayed(40, TimeDelta::minutes(14)), 40);
        assert_eq!(decayed(40, TimeDelta::minutes(30)), 10);
        assert_eq!(decayed(i32::MAX, TimeDelta::hours(24)), 0);
        assert_eq!(decayed(40, TimeDelta::minutes(-5)), 40);
    }

    #[test]
    fn delays_grow_up_to_a_maximum() {
        assert_eq!(Scope::Account.delay(4), TimeDelta::zero());
        assert_eq!(Scope::Account.delay(5), TimeDelta::seconds(1));
        assert_eq!(Scope::Account.delay(8), TimeDelta::seconds(8));
        assert_eq!(Scope::Account.delay(i32::MAX), TimeDelta::minutes(15));
        assert_eq!(Scope::CredentialIp.delay(49), TimeDelta::zero());
        assert_eq!(Scope::Email.delay(5), TimeDelta::minutes(1));
    }
}
