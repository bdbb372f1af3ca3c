//! Email delivery through SMTP, or to files if no server is configured.

mod error;
mod files;
mod message;
mod smtp;

use std::path::Path;

use lettre::AsyncTransport as _;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::Certificate;

use crate::config::{EmailConfig, EmailRoute};
use crate::render::RenderedEmail;
pub use error::DeliveryError;
pub use message::Envelope;
use smtp::Smtp;

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
