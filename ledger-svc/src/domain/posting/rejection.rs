//! The reasons for rejecting a command, with their texts for users.

use fintrac_kit::error::FieldViolation;

pub const CLOSED: &str = "The account is archived or deleted. Choose another account, or restore this one.";
pub const VOIDED: &str = "The transaction is voided. Restore it first.";
pub const OUT_OF_RANGE: &str =
    "A balance or total would exceed the largest supported amount. Send a smaller amount.";

/// The reason why a command was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// All violations of the input.
    Invalid(Vec<FieldViolation>),
    /// Fields that name an archived or deleted account for new postings.
    AccountClosed(Vec<&'static str>),
    /// The resource of the request does not exist.
    NotFound(&'static str),
    /// The expected version is not the current version.
    VersionMismatch,
    /// The transaction to change is voided.
    Voided,
    /// A balance or total would overflow.
    OutOfRange,
}

impl Rejection {
    pub fn field(field: &str, reason: &'static str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, reason, description)])
    }

    /// Rejects a command that expects another version than the current one.
    pub fn check_version(expected: Option<i64>, current: i64) -> Result<(), Self> {
        if expected.is_none_or(|expected| expected == current) { Ok(()) } else { Err(Self::VersionMismatch) }
    }

    /// Converts the rejection into violations by field.
    pub fn into_violations(self) -> Vec<FieldViolation> {
        let one = |field, reason, text| vec![FieldViolation::new(field, reason, text)];
        match self {
            Self::Invalid(violations) => violations,
            Self::AccountClosed(fields) => {
                fields.into_iter().map(|field| FieldViolation::new(field, "ACCOUNT_CLOSED", CLOSED)).collect()
            }
            Self::NotFound(_) => one("id", "TRANSACTION_NOT_FOUND", "You have no transaction with this id."),
            Self::VersionMismatch => one("id", "VERSION_MISMATCH", "It has changed. Read it again."),
            Self::Voided => one("id", "TRANSACTION_VOIDED", VOIDED),
            Self::OutOfRange => one("amount", "BALANCE_OUT_OF_RANGE", OUT_OF_RANGE),
        }
    }

    /// Returns the rejection of a name that another live account has.
    pub fn name_taken() -> Self {
        Self::Invalid(vec![name_taken()])
    }
}

/// Returns the violation for a name that another live account has.
pub fn name_taken() -> FieldViolation {
    FieldViolation::new("name", "NAME_TAKEN", "Another account has the same name. Choose another one.")
}
