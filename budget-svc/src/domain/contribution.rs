//! Money set aside for a goal: earmarked where it is, or moved by a transfer
//! in the ledger.

use chrono::{DateTime, Utc};
use fintrac_kit::error::Violation;
use fintrac_kit::text;
use fintrac_money::Money;
use uuid::Uuid;

use super::budget::amount;
use super::goal::{Goal, account_unknown};

const LONGEST_NOTE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its transfer is not known to be made.
    Pending,
    Done,
    /// Its transfer no longer brings anything to the goal's account.
    Voided,
    /// The ledger refused the transfer.
    Refused,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Voided, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Voided => "voided",
            Self::Refused => "refused",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// From where to where money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    pub account_id: Uuid,
    pub to_account_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Also of its transfer.
    pub id: Uuid,
    pub goal_id: Uuid,
    /// Who made it.
    pub user_id: Uuid,
    pub amount: Money,
    pub moves: Option<Move>,
    pub note: Option<String>,
    pub state: State,
    /// Of the transfer, when it was last asked for.
    pub transfer_version: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Contribution {
    /// What of it counts, minor units.
    pub fn counts(&self) -> i64 {
        match self.state {
            State::Done => self.amount.minor(),
            State::Pending | State::Voided | State::Refused => 0,
        }
    }

    /// It after its transfer was found to be at `version` and to leave `change`
    /// on the goal's account, coming `from` another; `None` when something as new
    /// is known.
    pub fn settled(&self, change: Money, from: Option<Uuid>, version: i64) -> Option<Self> {
        if self.transfer_version.is_some_and(|known| known >= version) {
            return None;
        }
        let mut after = self.clone();
        after.transfer_version = Some(version);
        if change.minor() > 0 {
            (after.state, after.amount) = (State::Done, change);
            if let (Some(moves), Some(from)) = (&mut after.moves, from) {
                moves.account_id = from;
            }
        } else {
            after.state = State::Voided;
        }
        after.version = self.version.saturating_add(1);
        Some(after)
    }
}

/// What somebody asks for who contributes.
#[derive(Debug, Clone, Default)]
pub struct ContributionInput {
    pub amount: String,
    pub account_id: Option<String>,
    pub note: Option<String>,
}

impl ContributionInput {
    pub fn resolve(
        &self,
        id: Uuid,
        goal: &Goal,
        user_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Contribution, Vec<Violation>> {
        let mut violations = Vec::new();
        let amount = amount("amount", &self.amount, Some(goal.currency()), &mut violations);
        let note = text::optional_lines("note", self.note.as_deref(), LONGEST_NOTE, &mut violations);
        let moves = match (self.account_id.as_deref(), goal.account_id) {
            (None, _) => None,
            (Some(_), None) => {
                let text = "The goal has no account to move money to; give it one, or leave this out.";
                violations.push(Violation::new("account_id", "CONFLICTING", text));
                None
            }
            (Some(text), Some(to_account_id)) => match Uuid::parse_str(text.trim()) {
                Ok(account_id) if account_id == to_account_id => {
                    let text = "The money is there already; send another account, or leave this out.";
                    violations.push(Violation::new("account_id", "SAME_ACCOUNT", text));
                    None
                }
                Ok(account_id) => Some(Move { account_id, to_account_id }),
                Err(_) => {
                    violations.push(account_unknown());
                    None
                }
            },
        };
        match amount {
            Some(amount) if violations.is_empty() => Ok(Contribution {
                id,
                goal_id: goal.id,
                user_id,
                amount,
                moves,
                note,
                state: if moves.is_some() { State::Pending } else { State::Done },
                transfer_version: None,
                version: 1,
                created_at: now,
            }),
            _ => Err(violations),
        }
    }
}

#[cfg(test)]
mod tests {
    use fintrac_money::{Currency, Money};
    use uuid::Uuid;

    use super::{Contribution, State};

    fn money(minor: i64) -> Money {
        Money::new(minor, Currency::from_code("EUR").expect("EUR"))
    }

    fn pending() -> Contribution {
        Contribution {
            id: Uuid::from_u128(1),
            goal_id: Uuid::from_u128(2),
            user_id: Uuid::from_u128(3),
            amount: money(500),
            moves: None,
            note: None,
            state: State::Pending,
            transfer_version: None,
            version: 1,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_the_ledger_says_decides_and_old_news_do_not() {
        let done = pending().settled(money(500), None, 1).expect("news");
        assert_eq!((done.state, done.counts(), done.version), (State::Done, 500, 2));
        assert_eq!(done.settled(money(700), None, 1), None);
        let edited = done.settled(money(700), None, 2).expect("news");
        assert_eq!((edited.state, edited.counts()), (State::Done, 700));
        for gone in [money(0), money(-3)] {
            let voided = edited.settled(gone, None, 3).expect("news");
            assert_eq!((voided.state, voided.counts(), voided.amount), (State::Voided, 0, money(700)));
            assert_eq!(voided.settled(money(700), None, 4).expect("news").counts(), 700, "brought back");
        }
        let refused = Contribution { state: State::Refused, ..pending() };
        assert_eq!(refused.counts(), 0);
        assert_eq!(
            refused.settled(money(500), None, 1).expect("news").counts(),
            500,
            "it was made after all"
        );
    }
}
