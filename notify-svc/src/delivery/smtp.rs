//! Mails through a server.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{SmtpServer, SmtpTls};

pub type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// For each step of the conversation.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn from_url(url: &SecretString) -> Result<Smtp, Error> {
    Ok(Smtp::from_url(url.expose_secret())?.timeout(Some(PATIENCE)).build())
}

pub fn from_server(server: &SmtpServer) -> Result<Smtp, Error> {
    let builder = match server.tls {
        SmtpTls::Implicit => Smtp::relay(&server.host)?,
        SmtpTls::StartTls => Smtp::starttls_relay(&server.host)?,
        SmtpTls::None => Smtp::builder_dangerous(&server.host),
    };
    let builder = builder.port(server.port).timeout(Some(PATIENCE));
    Ok(match &server.login {
        Some((name, password)) => {
            builder.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned())).build()
        }
        None => builder.build(),
    })
}
