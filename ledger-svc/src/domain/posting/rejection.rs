use fintrac_kit::error::Violation;

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Fields that were refused, all of them.
    Invalid(Vec<Violation>),
    /// New legs on an archived or deleted account; the fields that name it.
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
        Self::Invalid(vec![Violation::new(field, reason, description)])
    }

    /// Another live account has this name.
    pub fn name_taken() -> Self {
        Self::Invalid(vec![name_taken()])
    }
}

/// The refusal of an account's name.
pub fn name_taken() -> Violation {
    Violation::new("name", "NAME_TAKEN", "Another account has this name; choose another one.")
}
