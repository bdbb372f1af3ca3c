//! Contributions: money set aside for a goal, or withdrawn from it.
//!
//! The money is earmarked where it is, or moved by a transfer in the ledger.

use chrono::{DateTime, Utc};
use fintrac_money::Money;
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use uuid::Uuid;

use super::budget::amount;
use super::goal::{Goal, account_not_found};

const MAX_NOTE_CHARS: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContributionState {
    /// The transfer is not confirmed.
    Pending,
    Done,
    /// The transfer no longer moves money to the goal's account, or from it.
    Voided,
    /// The ledger rejected the transfer.
    Rejected,
}

impl ContributionState {
    const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Voided, Self::Rejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Voided => "voided",
            Self::Rejected => "rejected",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// The direction in which money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Contribution,
    Withdrawal,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::Withdrawal => "withdrawal",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Contribution, Self::Withdrawal].into_iter().find(|value| value.as_str() == text)
    }
}

/// The accounts between which a transfer moves money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferAccounts {
    /// The goal's account at the time of the request.
    pub goal_account_id: Uuid,
    /// The account on the other side of the transfer.
    pub account_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The id of the contribution and of its transfer.
    pub id: Uuid,
    pub goal_id: Uuid,
    /// The user who made the contribution.
    pub user_id: Uuid,
    pub direction: Direction,
    /// The amount, above zero in both directions.
    pub amount: Money,
    pub accounts: Option<TransferAccounts>,
    pub note: Option<String>,
    pub state: ContributionState,
    /// The version of the transfer that was read last.
    pub transfer_version: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Contribution {
    /// Returns the minor units that count toward the goal.
    pub fn counted_minor_units(&self) -> i64 {
        match (self.state, self.direction) {
            (ContributionState::Done, Direction::Contribution) => self.amount.minor(),
            (ContributionState::Done, Direction::Withdrawal) => self.amount.minor().saturating_neg(),
            (ContributionState::Pending | ContributionState::Voided | ContributionState::Rejected, _) => 0,
        }
    }

    /// Returns the minor units that count toward the goal in state done.
    pub fn counts_when_done(&self) -> i64 {
        match self.direction {
            Direction::Contribution => self.amount.minor(),
            Direction::Withdrawal => self.amount.minor().saturating_neg(),
        }
    }

    /// Applies the state of the transfer in the ledger.
    ///
    /// At `version` the transfer leaves `change` on the goal's account and has the `other` account
    /// on its other side. `None` if this version or a newer one is already applied.
    pub fn with_transfer(&self, change: Money, other: Option<Uuid>, version: i64) -> Option<Self> {
        if self.transfer_version.is_some_and(|known| known >= version) {
            return None;
        }
        let mut after = self.clone();
        after.transfer_version = Some(version);
        let moved = match self.direction {
            Direction::Contribution => change.minor(),
            Direction::Withdrawal => change.minor().checked_neg()?,
        };
        if moved > 0 {
            (after.state, after.amount) = (ContributionState::Done, Money::new(moved, change.currency()));
            if let (Some(accounts), Some(other)) = (&mut after.accounts, other) {
                accounts.account_id = other;
            }
        } else {
            after.state = ContributionState::Voided;
        }
        after.version = self.version.saturating_add(1);
        Some(after)
    }
}

/// The input of a request to contribute or to withdraw.
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
        direction: Direction,
        user_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Contribution, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let amount = amount("amount", &self.amount, Some(goal.currency()), &mut violations);
        let note = text::optional_lines("note", self.note.as_deref(), MAX_NOTE_CHARS, &mut violations);
        let accounts = match (self.account_id.as_deref(), goal.account_id) {
            (None, _) => None,
            (Some(_), None) => {
                let text = "The goal must have an account for transfers. Set one, or omit this field.";
                violations.push(FieldViolation::new("account_id", FieldCode::Conflicting, text));
                None
            }
            (Some(text), Some(goal_account_id)) => match Uuid::parse_str(text.trim()) {
                Ok(account_id) if account_id == goal_account_id => {
                    let text =
                        "The account must not be the goal's own. Send another account, or omit this field.";
                    violations.push(FieldViolation::new("account_id", FieldCode::SameAccount, text));
                    None
                }
                Ok(account_id) => Some(TransferAccounts { goal_account_id, account_id }),
                Err(_) => {
                    violations.push(account_not_found());
                    None
                }
            },
        };
        match amount {
            Some(amount) if violations.is_empty() => Ok(Contribution {
                id,
                goal_id: goal.id,
                user_id,
                direction,
                amount,
                accounts,
                note,
                state: if accounts.is_some() { ContributionState::Pending } else { ContributionState::Done },
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

    use super::{Contribution, ContributionState, Direction};

    fn money(minor: i64) -> Money {
        Money::new(minor, Currency::from_code("EUR").expect("EUR"))
    }

    fn pending() -> Contribution {
        Contribution {
            id: Uuid::from_u128(1),
            goal_id: Uuid::from_u128(2),
            user_id: Uuid::from_u128(3),
            direction: Direction::Contribution,
            amount: money(500),
            accounts: None,
            note: None,
            state: ContributionState::Pending,
            transfer_version: None,
            version: 1,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_a_newer_transfer_version_is_applied() {
        let done = pending().with_transfer(money(500), None, 1).expect("newer");
        assert_eq!((done.state, done.counted_minor_units(), done.version), (ContributionState::Done, 500, 2));
        assert_eq!(done.with_transfer(money(700), None, 1), None);
        let edited = done.with_transfer(money(700), None, 2).expect("newer");
        assert_eq!((edited.state, edited.counted_minor_units()), (ContributionState::Done, 700));
        for amount in [money(0), money(-3)] {
            let voided = edited.with_transfer(amount, None, 3).expect("newer");
            assert_eq!(
                (voided.state, voided.counted_minor_units(), voided.amount),
                (ContributionState::Voided, 0, money(700))
            );
            assert_eq!(
                voided.with_transfer(money(700), None, 4).expect("newer").counted_minor_units(),
                700,
                "restored"
            );
        }
        let withdrawal = Contribution { direction: Direction::Withdrawal, ..pending() };
        let done = withdrawal.with_transfer(money(-300), Some(Uuid::from_u128(9)), 1).expect("newer");
        assert_eq!(
            (done.state, done.amount, done.counted_minor_units()),
            (ContributionState::Done, money(300), -300)
        );
        let turned = done.with_transfer(money(300), None, 2).expect("newer");
        assert_eq!(
            (turned.state, turned.counted_minor_units()),
            (ContributionState::Voided, 0),
            "the transfer now adds money"
        );
        let rejected = Contribution { state: ContributionState::Rejected, ..pending() };
        assert_eq!(rejected.counted_minor_units(), 0);
        assert_eq!(
            rejected.with_transfer(money(500), None, 1).expect("newer").counted_minor_units(),
            500,
            "the transfer was posted after all"
        );
    }
}
