//! Growing delays: nobody is locked out for good, nobody guesses fast.

use chrono::TimeDelta;

/// What is counted, and when it starts to hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wrong passwords of one account.
    Account,
    /// Wrong passwords from one IP address (IPv6: one /64).
    Address,
    /// Wrong codes of one account's second factor.
    SecondFactor,
    /// Wrong passwords of somebody who has a session already.
    Proof,
    /// Wrong codes from emails to one mailbox, whatever the email and the sender's network.
    EmailCode,
    /// Mails asked for one mailbox.
    Mailbox,
    /// Registrations and mails asked for from one IP address.
    Sender,
    /// The same two of a site (IPv6: one /48), which has 65,536 networks.
    AddressSite,
    SenderSite,
}

/// After so long without an attempt nothing is left of a count.
pub const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);
/// Quiet time that halves a count.
const HALF_LIFE: TimeDelta = TimeDelta::minutes(15);
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// What is left of `failures` after a quiet time: half of it every quarter of an hour.
pub fn decayed(failures: i32, quiet: TimeDelta) -> i32 {
    let halvings = quiet.num_seconds().max(0) / HALF_LIFE.num_seconds();
    if halvings >= 31 { 0 } else { failures >> halvings }
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::SecondFactor => "second factor",
            Self::Proof => "proof",
            Self::EmailCode => "email code",
            Self::Mailbox => "mailbox",
            Self::Sender => "sender",
            Self::AddressSite => "address site",
            Self::SenderSite => "sender site",
        }
    }

    /// What is counted of the site around a network, where that is counted.
    pub fn of_site(self) -> Option<Self> {
        match self {
            Self::Address => Some(Self::AddressSite),
            Self::Sender => Some(Self::SenderSite),
            _ => None,
        }
    }

    /// Attempts that cost nothing.
    fn free(self) -> i32 {
        match self {
            Self::Account | Self::SecondFactor | Self::Proof | Self::Mailbox => 5,
            Self::EmailCode => 20,
            Self::Sender => 30,
            Self::Address => 50,
            Self::SenderSite => 240,
            Self::AddressSite => 400,
        }
    }

    /// The wait after the `attempts`-th: doubles from a second to a quarter of an hour.
    pub fn delay(self, attempts: i32) -> TimeDelta {
        let over = attempts - self.free();
        if over < 0 {
            return TimeDelta::zero();
        }
        let seconds = 1_i64 << over.clamp(0, 20);
        let unit = if self == Self::Mailbox { 60 } else { 1 };
        TimeDelta::seconds(seconds * unit).min(LONGEST)
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
    fn delays_grow_and_end_somewhere() {
        assert_eq!(Scope::Account.delay(4), TimeDelta::zero());
        assert_eq!(Scope::Account.delay(5), TimeDelta::seconds(1));
        assert_eq!(Scope::Account.delay(8), TimeDelta::seconds(8));
        assert_eq!(Scope::Account.delay(i32::MAX), TimeDelta::minutes(15));
        assert_eq!(Scope::Address.delay(49), TimeDelta::zero());
        assert_eq!(Scope::Mailbox.delay(5), TimeDelta::minutes(1));
    }
}
