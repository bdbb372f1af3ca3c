//! Settings of the gateway.

mod redis;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use ipnet::IpNet;
use kit_core::config::Environment;

pub use redis::RedisConfig;

const DEFAULT_REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("not zero");

/// The server's certificate and key as PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// The configuration of the gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// Slower requests fail with 504.
    pub request_timeout: Duration,
    /// Requests per minute for each user, else each client address; `None`: unlimited.
    pub rate_limit: Option<NonZeroU32>,
    /// Peers whose `X-Forwarded-For` is trusted; none by default.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins allowed by CORS; none by default.
    pub cors_origins: Vec<HeaderValue>,
    /// TLS certificate; without it REST is plaintext, for use behind a proxy.
    pub certificate: Option<Certificate>,
    /// Whether `/docs`, `/redoc` and `/openapi.json` are served.
    pub serves_documents: bool,
    /// Maximum number of open connections.
    pub max_connections: usize,
    /// Redis for shared rate limits; without it each replica limits locally.
    pub redis: Option<RedisConfig>,
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let origins = environment.text("CORS_ALLOWED_ORIGINS", "");
        let parse = |origin: &str| {
            let value = HeaderValue::from_str(origin).ok();
            let has_path = origin.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
            if value.is_none() || has_path {
                // Browsers send an origin without a path: one with a path never matches.
                let text =
                    "CORS_ALLOWED_ORIGINS: must be origins such as https://app.example, separated by commas";
                environment.add_problem(text.into());
            }
            value
        };
        let cors_origins: Vec<_> =
            origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).filter_map(parse).collect();
        if cors_origins.len() > 1 && cors_origins.iter().any(|origin| origin == "*") {
            environment.add_problem("CORS_ALLOWED_ORIGINS: * must be the only origin".into());
        }
        let per_minute = environment.parse("RATE_LIMIT_PER_MINUTE", DEFAULT_REQUESTS_PER_MINUTE);
        let rate_limit = environment.flag("RATE_LIMIT_ENABLED", true).then_some(per_minute);
        let seconds = environment.parse("SERVER_REQUEST_TIMEOUT", 30);
        let proxies = environment.text("TRUSTED_PROXIES", "");
        let network = |text: &str| {
            let read = text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)));
            if read.is_none() {
                let problem = "TRUSTED_PROXIES: must be networks such as 10.0.0.0/8, separated by commas";
                environment.add_problem(problem.into());
            }
            read
        };
        let proxies = proxies.split(',').map(str::trim).filter(|text| !text.is_empty());
        let trusted_proxies = proxies.filter_map(network).collect();
        let certificate = match ["SERVER_TLS_CERT", "SERVER_TLS_KEY"].map(|name| environment.get(name)) {
            [Some(chain), Some(key)] => Some(Certificate { chain: chain.into(), key: key.into() }),
            [None, None] => None,
            [Some(_), None] | [None, Some(_)] => {
                environment.add_problem("SERVER_TLS_CERT and SERVER_TLS_KEY: set both or neither".into());
                None
            }
        };
        Self {
            request_timeout: Duration::from_secs(seconds),
            rate_limit,
            trusted_proxies,
            cors_origins,
            certificate,
            serves_documents: environment.flag("SERVER_DOCS", true),
            max_connections: environment.parse("SERVER_MAX_CONNECTIONS", 10_000),
            redis: RedisConfig::from_environment(environment),
        }
    }
}

#[cfg(test)]
mod tests {
    use kit_core::config::Environment;

    use super::Config;

    fn problems(origins: &str) -> Option<String> {
        let environment = Environment::from_values([("CORS_ALLOWED_ORIGINS".to_owned(), origins.to_owned())]);
        Config::from_environment(&environment);
        environment.check().err().map(|error| error.to_string())
    }

    #[test]
    fn origins_are_validated() {
        assert_eq!(problems("*"), None);
        assert_eq!(problems("https://one.example, https://two.example"), None);
        assert!(problems("https://one.example/").is_some_and(|text| text.contains("CORS_ALLOWED_ORIGINS")));
        assert!(problems("https://one.example,*").is_some_and(|text| text.contains("CORS_ALLOWED_ORIGINS")));
    }
}
