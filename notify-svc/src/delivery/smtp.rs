//! SMTP transports.

use std::time::Duration;

use http::Uri;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{SmtpServer, SmtpTls};

pub type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// The timeout of each SMTP command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);

/// Builds a transport from a URL.
///
/// `authority` is trusted in addition to the public certificate authorities.
pub fn from_url(url: &SecretString, authority: Option<&Certificate>) -> Result<Smtp, Error> {
    let url = url.expose_secret();
    let builder = Smtp::from_url(url)?.timeout(Some(COMMAND_TIMEOUT));
    let uri: Uri = url.parse().unwrap_or_default();
    let tls_mode = match (uri.scheme_str(), uri.query().unwrap_or_default()) {
        (Some("smtps"), _) => Tls::Wrapper,
        (_, query) if query.contains("tls=required") => Tls::Required,
        (_, query) if query.contains("tls=opportunistic") => Tls::Opportunistic,
        _ => return Ok(builder.build()),
    };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    Ok(builder.tls(tls_mode(parameters(host, authority)?)).build())
}

pub fn from_server(server: &SmtpServer, authority: Option<&Certificate>) -> Result<Smtp, Error> {
    let tls = match server.tls {
        SmtpTls::Implicit => Tls::Wrapper(parameters(&server.host, authority)?),
        SmtpTls::StartTls => Tls::Required(parameters(&server.host, authority)?),
        SmtpTls::None => Tls::None,
    };
    let builder = Smtp::builder_dangerous(&server.host).tls(tls);
    let builder = builder.port(server.port).timeout(Some(COMMAND_TIMEOUT));
    Ok(match &server.login {
        Some((name, password)) => {
            builder.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned())).build()
        }
        None => builder.build(),
    })
}

fn parameters(host: &str, authority: Option<&Certificate>) -> Result<TlsParameters, Error> {
    let builder = TlsParameters::builder(host.to_owned());
    match authority {
        Some(certificate) => builder.add_root_certificate(certificate.clone()).build(),
        None => builder.build(),
    }
}
