use kit_core::error::chain;

/// The reason why an email was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the email address is invalid: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the message could not be built: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("MAIL_CA_FILE {0}")]
    Authority(String),
    #[error("the email server cannot deliver to non-ASCII addresses (it lacks SMTPUTF8)")]
    Internationalized,
    #[error("SMTP")]
    Smtp(#[source] lettre::transport::smtp::Error),
    #[error("the email could not be written to a file: {0}")]
    File(#[from] std::io::Error),
}

impl From<lettre::transport::smtp::Error> for DeliveryError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        // lettre identifies this error only by its text.
        if error.is_client() && chain(&error).contains("SMTPUTF8") {
            Self::Internationalized
        } else {
            Self::Smtp(error)
        }
    }
}

impl DeliveryError {
    /// Describes the error for storage and logs.
    ///
    /// SMTP responses often quote the recipient's address, so only their code is kept.
    pub fn summary(&self) -> String {
        match self {
            Self::Smtp(error) => match error.status() {
                Some(code) => format!("the email server responded with {code}"),
                None => chain(error),
            },
            other => other.to_string(),
        }
    }

    /// Whether a retry cannot succeed.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Address(_) | Self::Message(_) | Self::Internationalized => true,
            // These codes concern the email or its recipient. An operator can correct any other
            // cause (authentication, TLS, policy) while the email waits.
            Self::Smtp(error) => {
                let code = error.status().map(|code| code.to_string()).unwrap_or_default();
                ["550", "551", "552", "553", "556"].contains(&code.as_str())
            }
            Self::File(_) | Self::Authority(_) => false,
        }
    }
}
