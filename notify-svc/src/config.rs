//! Settings of notify-svc.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use kit_core::config::{DeploymentEnvironment, Environment};
use lettre::Address;
use secrecy::{ExposeSecret as _, SecretString};

#[derive(Debug, Clone)]
pub struct Config {
    pub email: EmailConfig,
    /// The base URL of links in emails: `FRONTEND_URL`, or else `BACKEND_URL`.
    pub link_base: String,
    /// The gateway's base URL (`BACKEND_URL`).
    pub backend: String,
    /// Whether `FRONTEND_URL` is set; without it, only the gateway's own pages exist.
    pub has_frontend: bool,
}

/// The sender and the transport of emails.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    pub route: EmailRoute,
    /// The sender's address.
    pub from: String,
    pub from_name: String,
    /// A PEM file with the certificate of an additional trusted authority.
    pub ca_file: Option<PathBuf>,
}

/// The transport of emails.
#[derive(Debug, Clone)]
pub enum EmailRoute {
    /// A URL in lettre's form: `smtp://user:password@host:587?tls=required`.
    Url(SecretString),
    Server(SmtpServer),
    /// A folder that receives emails as `.eml` files.
    Files(PathBuf),
}

/// An SMTP server, configured by the `MAIL_*` variables of the original project.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    /// Implicit TLS, STARTTLS or no encryption.
    pub tls: SmtpTls,
    pub login: Option<(String, SecretString)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    Implicit,
    StartTls,
    None,
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let port = environment.text("SERVER_PORT", "8000");
        let backend = environment.text("BACKEND_URL", &format!("http://localhost:{port}"));
        let frontend = environment.get("FRONTEND_URL");
        let base = frontend.unwrap_or(&backend).trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            environment
                .add_problem("FRONTEND_URL and BACKEND_URL must start with http:// or https://".into());
        }
        if environment.deployment_environment() == DeploymentEnvironment::Production
            && base.starts_with("http://")
            && !is_local(&base)
        {
            let text =
                "FRONTEND_URL and BACKEND_URL must be https in production: links in emails contain secrets";
            environment.add_problem(text.into());
        }
        let from = environment.text("MAIL_FROM", "noreply@localhost");
        if from.parse::<Address>().is_err() {
            environment.add_problem(
                "MAIL_FROM: must be an email address; set the sender's name in MAIL_FROM_NAME".into(),
            );
        }
        let email = EmailConfig {
            route: EmailRoute::from_environment(environment),
            from,
            from_name: environment.text("MAIL_FROM_NAME", "FinTrac"),
            ca_file: environment.get("MAIL_CA_FILE").map(PathBuf::from),
        };
        let backend = backend.trim_end_matches('/').to_owned();
        Self { email, has_frontend: frontend.is_some(), link_base: base, backend }
    }
}

/// Describes the route for the start-up log, without credentials.
impl fmt::Display for EmailRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("the server of SMTP_URL"),
            Self::Server(server) => write!(f, "SMTP server {}:{}", server.host, server.port),
            Self::Files(dir) => write!(f, "{}/*.eml (no SMTP server is configured)", dir.display()),
        }
    }
}

impl EmailRoute {
    fn from_environment(environment: &Environment) -> Self {
        if let Some(url) = environment.get("SMTP_URL") {
            let url = SecretString::from(url);
            if !is_smtp_url(&url) {
                environment
                    .add_problem("SMTP_URL: must be like smtp://user:password@host:587?tls=required".into());
            } else if environment.deployment_environment() == DeploymentEnvironment::Production
                && !is_encrypted(&url)
            {
                let text =
                    "SMTP_URL must be smtps:// or have ?tls=required in production: emails contain secrets";
                environment.add_problem(text.into());
            }
            return Self::Url(url);
        }
        let Some(host) = environment.get("MAIL_SERVER") else {
            let data = environment.text("FINTRAC_DATA_DIR", ".fintrac");
            return Self::Files(PathBuf::from(data).join("emails"));
        };
        let tls = match (environment.flag("MAIL_SSL", false), environment.flag("MAIL_TLS", true)) {
            (true, _) => SmtpTls::Implicit,
            (false, true) => SmtpTls::StartTls,
            (false, false) => SmtpTls::None,
        };
        let is_plain = matches!(tls, SmtpTls::None) && !is_local(&format!("smtp://{host}"));
        if environment.deployment_environment() == DeploymentEnvironment::Production && is_plain {
            let text = "MAIL_TLS or MAIL_SSL must be true in production: emails contain secrets";
            environment.add_problem(text.into());
        }
        let password = environment.text("MAIL_PASSWORD", "");
        let login = environment.get("MAIL_USERNAME").map(|name| (name.to_owned(), password.into()));
        Self::Server(SmtpServer {
            host: host.to_owned(),
            port: environment.parse("MAIL_PORT", 587),
            tls,
            login,
        })
    }
}

fn is_smtp_url(url: &SecretString) -> bool {
    let url: Uri = url.expose_secret().parse().unwrap_or_default();
    matches!(url.scheme_str(), Some("smtp" | "smtps")) && url.host().is_some_and(|host| !host.is_empty())
}

/// Whether a connection by this URL is encrypted or stays on this machine.
fn is_encrypted(url: &SecretString) -> bool {
    let url = url.expose_secret();
    url.starts_with("smtps://")
        || url.contains("tls=required")
        || url.contains("tls=wrapper")
        || is_local(url)
}

fn is_local(url: &str) -> bool {
    let url: Uri = url.parse().unwrap_or_default();
    matches!(url.host(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use kit_core::config::Environment;

    use super::Config;

    fn problems(name: &str, value: &str) -> String {
        let environment = Environment::from_values([(name.to_owned(), value.to_owned())]);
        Config::from_environment(&environment);
        environment.check().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn production_rejects_unencrypted_links_and_emails() {
        let problems_in_production = |values: &[(&str, &str)]| {
            let production = [("ENVIRONMENT", "production"), ("BACKEND_URL", "https://money.example")];
            let values = production.iter().chain(values);
            let environment = Environment::from_values(
                values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            );
            Config::from_environment(&environment);
            environment.check().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(problems_in_production(&[("FRONTEND_URL", "http://app.example")]).contains("FRONTEND_URL"));
        assert!(problems_in_production(&[("SMTP_URL", "smtp://mail.example:587")]).contains("SMTP_URL"));
        assert!(
            problems_in_production(&[("MAIL_SERVER", "mail.example"), ("MAIL_TLS", "false")])
                .contains("MAIL_TLS")
        );
        for fine in [
            ("SMTP_URL", "smtp://mail.example:587?tls=required"),
            ("SMTP_URL", "smtps://mail.example"),
            ("SMTP_URL", "smtp://localhost:25"),
            ("FRONTEND_URL", "http://localhost:8000"),
            ("MAIL_SERVER", "mail.example"),
        ] {
            assert_eq!(problems_in_production(&[fine]), "", "{fine:?}");
        }
    }

    #[test]
    fn unusable_email_settings_are_rejected_by_name() {
        for (name, wrong) in [
            ("MAIL_FROM", "FinTrac <noreply@fintrac.example>"),
            ("MAIL_FROM", "noreply"),
            ("SMTP_URL", "mail.example:25"),
            ("SMTP_URL", "https://user:hidden@mail.example"),
        ] {
            let problem = problems(name, wrong);
            assert!(problem.contains(name), "{wrong}: {problem}");
            assert!(!problem.contains("hidden"), "{problem}");
        }
        assert_eq!(problems("MAIL_FROM", "noreply@fintrac.example"), "");
        assert_eq!(problems("SMTP_URL", "smtp://user:password@mail.example:587?tls=required"), "");
    }

    fn link_base(values: &[(&str, &str)]) -> String {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_environment(&Environment::from_values(values)).link_base
    }

    #[test]
    fn links_lead_to_the_frontend_or_the_gateway() {
        assert_eq!(link_base(&[]), "http://localhost:8000");
        assert_eq!(link_base(&[("SERVER_PORT", "9000")]), "http://localhost:9000");
        let backend = ("BACKEND_URL", "https://money.example");
        assert_eq!(link_base(&[backend, ("SERVER_PORT", "9000")]), "https://money.example");
        assert_eq!(link_base(&[backend, ("FRONTEND_URL", "https://app.example/")]), "https://app.example");
    }
}
