//! Rate limits shared by all replicas through Redis.
//! GCRA runs in one script, by the clock of Redis. Redis stores nothing else and may be lost at any
//! time: each replica then limits locally and sets a metric.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fintrac_kit::config::{DeploymentEnvironment, Environment};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, RedisError, RedisResult, Script, TlsCertificates,
};
use tokio::time::Instant;

use super::Decision;

/// Time without Redis calls after a failure.
const REDIS_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Takes one of `ARGV[1]` slots, which refill one per `ARGV[2]` microseconds.
/// The key stores the time at which all slots are free again.
const GCRA: &str = r"
    local now = redis.call('TIME')
    now = now[1] * 1000000 + now[2]
    local burst, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
    local free = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + interval
    local over = free - now - burst * interval
    if over > 0 then
        return {0, math.ceil(over)}
    end
    redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', math.ceil((free - now) / 1000))
    return {math.floor(-over / interval), -1}
";

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

/// A rate limiter whose counters all replicas share.
pub struct RedisLimiter {
    script: Script,
    config: RedisConfig,
    connection: Mutex<Connection>,
    /// Whether the current failure of Redis has been logged.
    is_failure_logged: AtomicBool,
}

enum Connection {
    Open(ConnectionManager),
    Closed { until: Option<Instant> },
}

impl RedisLimiter {
    pub fn new(config: RedisConfig) -> Self {
        let connection = Mutex::new(Connection::Closed { until: None });
        Self { script: Script::new(GCRA), config, connection, is_failure_logged: AtomicBool::default() }
    }

    /// Returns `None` while Redis is unavailable.
    pub async fn decide(&self, key: &str, per_minute: u32) -> Option<Decision> {
        let connection = self.connection().await;
        let decision = match connection {
            Some(connection) => self.check(connection, key, per_minute).await,
            None => return None,
        };
        match decision {
            Ok(decision) => {
                metrics::gauge!("fintrac_rate_limit_local_fallback").set(0.0);
                Some(decision)
            }
            Err(error) => {
                self.record_failure(&error);
                None
            }
        }
    }

    async fn check(
        &self,
        mut connection: ConnectionManager,
        key: &str,
        per_minute: u32,
    ) -> Result<Decision, RedisError> {
        let interval = 60_000_000 / u64::from(per_minute);
        let (left, wait): (u32, i64) = self
            .script
            .key(format!("fintrac:rate:{key}"))
            .arg(per_minute)
            .arg(interval)
            .invoke_async(&mut connection)
            .await?;
        let wait = match left {
            0 if wait > 0 => Some(Duration::from_micros(wait.unsigned_abs())),
            _ => None,
        };
        Ok(Decision { left, wait })
    }

    async fn connection(&self) -> Option<ConnectionManager> {
        {
            let mut connection = self.lock();
            match &*connection {
                Connection::Open(open) => return Some(open.clone()),
                Connection::Closed { until: Some(until) } if *until > Instant::now() => return None,
                // Other requests use the local limit until the connection is open.
                Connection::Closed { .. } => {
                    *connection = Connection::Closed { until: Some(Instant::now() + REDIS_RETRY_DELAY) };
                }
            }
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.config.timeout))
            .set_response_timeout(Some(self.config.timeout));
        match ConnectionManager::new_with_config(self.config.client.clone(), config).await {
            Ok(open) => {
                *self.lock() = Connection::Open(open.clone());
                self.is_failure_logged.store(false, Ordering::Relaxed);
                Some(open)
            }
            Err(error) => {
                self.record_failure(&error);
                None
            }
        }
    }

    fn record_failure(&self, error: &RedisError) {
        metrics::gauge!("fintrac_rate_limit_local_fallback").set(1.0);
        let mut connection = self.lock();
        if !self.is_failure_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(kind = %error.category(), "redis unavailable; rate limits are local");
        }
        *connection = Connection::Closed { until: Some(Instant::now() + REDIS_RETRY_DELAY) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use fintrac_kit::config::Environment;

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
