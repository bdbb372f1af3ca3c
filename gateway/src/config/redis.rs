use std::time::Duration;

use kit_core::config::{DeploymentEnvironment, Environment};
use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, RedisResult, TlsCertificates};

/// The connection settings of Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    pub client: Client,
    /// Timeout for connecting and for one response.
    pub timeout: Duration,
}

impl RedisConfig {
    /// Reads the Redis settings; `None` if neither `REDIS_URL` nor `REDIS_HOST` is set.
    /// `REDIS_URL` takes precedence over `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`, `REDIS_PASSWORD`
    /// and `REDIS_TLS`. `REDIS_CA_FILE` (PEM) is the certificate authority to trust instead of the
    /// public ones. `REDIS_SOCKET_TIMEOUT` is in seconds.
    pub fn from_environment(environment: &Environment) -> Option<Self> {
        let timeout: f64 = environment.parse("REDIS_SOCKET_TIMEOUT", 0.1);
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_millis(100));
        let (port, db): (u16, u8) = (environment.parse("REDIS_PORT", 6379), environment.parse("REDIS_DB", 0));
        let scheme = if environment.flag("REDIS_TLS", false) { "rediss" } else { "redis" };
        let authority = environment.get("REDIS_CA_FILE");
        let password = environment.get("REDIS_PASSWORD");
        let (name, url, password) = match (environment.get("REDIS_URL"), environment.get("REDIS_HOST")) {
            (Some(url), _) => ("REDIS_URL", url.to_owned(), None),
            (None, Some(host)) => ("REDIS_HOST", format!("{scheme}://{host}:{port}/{db}"), password),
            (None, None) => return None,
        };
        let authority = match authority.map(std::fs::read).transpose() {
            Ok(pem) => pem,
            Err(error) => {
                environment.add_problem(format!("REDIS_CA_FILE: cannot be read: {error}"));
                return None;
            }
        };
        // Without a certificate authority, no certificate would be trusted.
        if authority.as_ref().is_some_and(|pem| !String::from_utf8_lossy(pem).contains("BEGIN CERTIFICATE")) {
            environment.add_problem("REDIS_CA_FILE: must contain a certificate (PEM)".into());
            return None;
        }
        let Ok(client) = open_client(&url, password, authority) else {
            let form = "must be like redis://host:6379/0, or rediss://host:6379/0 with TLS, which REDIS_CA_FILE requires";
            environment.add_problem(format!("{name}: {form}"));
            return None;
        };
        let info = client.get_connection_info();
        if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            let text = "#insecure is not supported; set the certificate authority in REDIS_CA_FILE";
            environment.add_problem(format!("{name}: {text}"));
            return None;
        }
        if environment.deployment_environment() == DeploymentEnvironment::Production && !is_local(info.addr())
        {
            if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
                environment
                    .add_warning(format!("{name} is without TLS: use a rediss:// URL, or set REDIS_TLS"));
            }
            if info.redis_settings().password().is_none() {
                environment.add_warning(format!(
                    "{name} is without a password: any client that reaches Redis can change the rate limits"
                ));
            }
        }
        Some(Self { client, timeout })
    }
}

fn open_client(url: &str, password: Option<&str>, authority: Option<Vec<u8>>) -> RedisResult<Client> {
    let mut info = url.into_connection_info()?;
    if let Some(password) = password {
        let settings = info.redis_settings().clone().set_password(password);
        info = info.set_redis_settings(settings);
    }
    match authority {
        Some(pem) => Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) }),
        None => Client::open(info),
    }
}

/// Returns whether the connection stays on this machine.
fn is_local(address: &ConnectionAddr) -> bool {
    match address {
        ConnectionAddr::Unix(_) => true,
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            ["localhost", "127.0.0.1", "::1"].contains(&host.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kit_core::config::Environment;

    use super::RedisConfig;

    /// Returns the warnings and the problems for `settings`.
    fn validate(settings: &[(&str, &str)]) -> (Vec<String>, String) {
        let values = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_values(values);
        let _config = RedisConfig::from_environment(&environment);
        let problems = environment.check().err().map(|error| error.to_string()).unwrap_or_default();
        (environment.warnings(), problems)
    }

    #[test]
    fn production_warns_about_unprotected_redis() {
        let risks = |url: &str| {
            let (warnings, problems) = validate(&[("ENVIRONMENT", "production"), ("REDIS_URL", url)]);
            assert_eq!(problems, "", "{url}");
            let warns = |text: &str| warnings.iter().any(|warning| warning.contains(text));
            (warns("without TLS"), warns("without a password"))
        };
        assert_eq!(risks("redis://redis:6379/0"), (true, true));
        assert_eq!(risks("redis://:secret@redis:6379/0"), (true, false));
        assert_eq!(risks("rediss://redis:6379/0"), (false, true));
        assert_eq!(risks("rediss://:secret@redis:6379/0"), (false, false));
        assert_eq!(risks("redis://localhost:6379/0"), (false, false));
        assert_eq!(validate(&[("REDIS_URL", "redis://redis:6379/0")]).0, Vec::<String>::new());
        let settings = [
            ("ENVIRONMENT", "production"),
            ("REDIS_HOST", "redis"),
            ("REDIS_PASSWORD", "secret"),
            ("REDIS_TLS", "true"),
        ];
        assert_eq!(validate(&settings), (Vec::new(), String::new()));
    }

    #[test]
    fn invalid_redis_settings_are_named() {
        for (settings, name) in [
            (&[("REDIS_URL", "http://redis")] as &[_], "REDIS_URL: must be like"),
            (&[("REDIS_URL", "rediss://redis/#insecure")], "REDIS_URL: #insecure is not supported"),
            (
                &[("REDIS_URL", "rediss://redis"), ("REDIS_CA_FILE", "/nowhere")],
                "REDIS_CA_FILE: cannot be read",
            ),
            (
                &[("REDIS_URL", "rediss://redis"), ("REDIS_CA_FILE", "/dev/null")],
                "REDIS_CA_FILE: must contain a certificate",
            ),
        ] {
            assert!(validate(settings).1.contains(name), "{settings:?}: {:?}", validate(settings));
        }
    }
}
