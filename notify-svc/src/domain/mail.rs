use uuid::Uuid;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    Verification,
    AlreadyRegistered,
    Welcome,
}

impl MailKind {
    pub const ALL: [Self; 3] = [Self::Verification, Self::AlreadyRegistered, Self::Welcome];

    /// The name in the database and in `X-FinTrac-Kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::AlreadyRegistered => "already_registered",
            Self::Welcome => "welcome",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A mail that is due.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Also its Message-ID.
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: MailKind,
    pub subject_id: Uuid,
    /// Failed deliveries so far.
    pub attempts: i32,
}
