//! Growing delays: nobody is locked out for good, nobody guesses fast.

use chrono::TimeDelta;

/// What is counted, and when it starts to hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wrong passwords of one account.
    Account,
    /// Wrong passwords from one IP address (IPv6: one /64).
    CredentialIp,
    /// Wrong codes of one account's second factor.
    SecondFactor,
    /// Wrong passwords of somebody who has a session already.
    Reauthentication,
    /// Wrong codes from emails to one mailbox, whatever the email and the sender's network.
    EmailCode,
    /// Emails asked for one mailbox.
    Email,
    /// Registrations and emails asked for from one IP address.
    ClientIp,
    /// The same two of a site (IPv6: one /48), which has 65,536 networks.
    CredentialSite,
    ClientSite,
}

/// After so long without an attempt nothing is left of a count.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);
/// Quiet time that halves a count.
const HALF_LIFE: TimeDelta = TimeDelta::minutes(15);
const MAX_DELAY: TimeDelta = TimeDelta::minutes(15);

/// What is left of `failures` after a quiet time: half of it every quarter of an hour.
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

    /// What is counted of the site around a network, where that is counted.
    pub fn site_scope(self) -> Option<Self> {
        match self {
            Self::CredentialIp => Some(Self::CredentialSite),
            Self::ClientIp => Some(Self::ClientSite),
            _ => None,
        }
    }

    /// Attempts that cost nothing.
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

    /// The wait after the `attempts`-th: doubles from a second to a quarter of an hour.
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
