//! Email delivery through SMTP, or to files if no server is configured.

mod files;
mod message;
mod smtp;

use std::path::Path;

use chrono::{DateTime, Utc};
use fintrac_kit::error::chain;
use lettre::AsyncTransport as _;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::Certificate;
use uuid::Uuid;

use crate::config::{EmailConfig, EmailRoute};
use crate::domain::kind::NotificationKind;
use crate::render::RenderedEmail;
use smtp::Smtp;

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

/// The metadata of an email.
#[derive(Debug)]
pub struct Envelope {
    pub id: Uuid,
    pub kind: NotificationKind,
    pub to: String,
    /// The URL that unsubscribes from emails of this kind.
    pub unsubscribe: Option<String>,
    pub date: DateTime<Utc>,
}

#[derive(Debug)]
pub struct Delivery {
    from: Mailbox,
    route: Route,
}

#[derive(Debug)]
enum Route {
    Smtp(Box<Smtp>),
    Files(std::path::PathBuf),
}

impl Delivery {
    pub fn open(config: &EmailConfig) -> Result<Self, DeliveryError> {
        let from = Mailbox::new(Some(config.from_name.clone()), config.from.parse()?);
        let authority = config.ca_file.as_deref().map(authority).transpose()?;
        let route = match &config.route {
            EmailRoute::Url(url) => Route::Smtp(Box::new(smtp::from_url(url, authority.as_ref())?)),
            EmailRoute::Server(server) => {
                Route::Smtp(Box::new(smtp::from_server(server, authority.as_ref())?))
            }
            EmailRoute::Files(dir) => {
                files::prepare(dir)?;
                Route::Files(dir.clone())
            }
        };
        Ok(Self { from, route })
    }

    pub async fn deliver(&self, envelope: &Envelope, rendered: &RenderedEmail) -> Result<(), DeliveryError> {
        let message = message::build(&self.from, envelope, rendered)?;
        match &self.route {
            Route::Smtp(smtp) => {
                let sent = smtp.send(message).await;
                sent.map(|_| ()).map_err(DeliveryError::from)
            }
            Route::Files(dir) => files::write(dir, envelope, &message.formatted()).await,
        }
    }
}

/// Reads the certificate in a PEM file.
fn authority(path: &Path) -> Result<Certificate, DeliveryError> {
    let invalid =
        |error: &dyn std::fmt::Display| DeliveryError::Authority(format!("{}: {error}", path.display()));
    let pem = std::fs::read(path).map_err(|error| invalid(&error))?;
    Certificate::from_pem(&pem).map_err(|error| invalid(&error))
}
