use fintrac_kit::error::FieldViolation;

pub const CLOSED: &str = "The account is archived or deleted; choose another one or bring it back.";
pub const VOIDED: &str = "The transaction is voided and does not change any more; restore it first.";
pub const OUT_OF_RANGE: &str =
    "A balance or total would become larger than can be kept; send a smaller amount.";

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Fields that were rejected, all of them.
    Invalid(Vec<FieldViolation>),
    /// New postings on an archived or deleted account; the fields that name it.
    AccountClosed(Vec<&'static str>),
    /// What the path names is not there.
    NotFound(&'static str),
    /// `If-Match` names another version.
    VersionMismatch,
    /// A voided transaction does not change any more.
    Voided,
    /// A balance or total would pass what can be stored.
    OutOfRange,
}

impl Rejection {
    pub fn field(field: &str, reason: &'static str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, reason, description)])
    }

    /// What was wrong, by field.
    pub fn into_violations(self) -> Vec<FieldViolation> {
        let one = |field, reason, text| vec![FieldViolation::new(field, reason, text)];
        match self {
            Self::Invalid(violations) => violations,
            Self::AccountClosed(fields) => {
                fields.into_iter().map(|field| FieldViolation::new(field, "ACCOUNT_CLOSED", CLOSED)).collect()
            }
            Self::NotFound(_) => one("id", "TRANSACTION_NOT_FOUND", "You have no transaction with this id."),
            Self::VersionMismatch => one("id", "VERSION_MISMATCH", "It has changed since you read it."),
            Self::Voided => one("id", "TRANSACTION_VOIDED", VOIDED),
            Self::OutOfRange => one("amount", "BALANCE_OUT_OF_RANGE", OUT_OF_RANGE),
        }
    }

    /// Another live account has this name.
    pub fn name_taken() -> Self {
        Self::Invalid(vec![name_taken()])
    }
}

/// The rejection of an account's name.
pub fn name_taken() -> FieldViolation {
    FieldViolation::new("name", "NAME_TAKEN", "Another account has this name; choose another one.")
}
