//! Counting together with the other gateways, in Redis (GCRA in one script, by
//! Redis's own clock). Redis holds nothing else and may be lost at any time:
//! then each gateway counts alone, and a metric says so.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use fintrac_kit::config::Environment;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use tokio::time::Instant;

use super::Decision;

/// How long Redis is left alone after it failed.
const AWAY: Duration = Duration::from_secs(1);

/// Takes one of `ARGV[1]` places that come back one each `ARGV[2]` microseconds.
/// The key holds when all places would be free again.
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

/// Where Redis is.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    pub client: Client,
    /// For one answer.
    pub timeout: Duration,
}

impl RedisConfig {
    /// `REDIS_URL`, else `REDIS_HOST`, `REDIS_PORT` and `REDIS_DB`, else none;
    /// `REDIS_SOCKET_TIMEOUT` in seconds.
    pub fn from_environment(environment: &Environment) -> Option<Self> {
        let timeout: f64 = environment.parse("REDIS_SOCKET_TIMEOUT", 0.1);
        let host = environment.get("REDIS_HOST").map(|host| {
            let (port, db): (u16, u8) =
                (environment.parse("REDIS_PORT", 6379), environment.parse("REDIS_DB", 0));
            format!("redis://{host}:{port}/{db}")
        });
        let url = environment.get("REDIS_URL").map(str::to_owned).or(host)?;
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_millis(100));
        match Client::open(url) {
            Ok(client) => Some(Self { client, timeout }),
            Err(_error) => {
                environment.problem("REDIS_URL: must be like redis://host:6379/0".into());
                None
            }
        }
    }
}

/// Counters that all gateways have in common.
pub struct Shared {
    script: Script,
    config: RedisConfig,
    connection: Mutex<Connection>,
}

enum Connection {
    Open(ConnectionManager),
    Closed { until: Option<Instant> },
}

impl Shared {
    pub fn new(config: RedisConfig) -> Self {
        let connection = Mutex::new(Connection::Closed { until: None });
        Self { script: Script::new(GCRA), config, connection }
    }

    /// None while Redis cannot be asked.
    pub async fn decide(&self, key: &str, per_minute: u32) -> Option<Decision> {
        let connection = self.connection().await;
        let decision = match connection {
            Some(connection) => self.ask(connection, key, per_minute).await,
            None => return None,
        };
        match decision {
            Ok(decision) => {
                metrics::gauge!("fintrac_rate_limit_alone").set(0.0);
                Some(decision)
            }
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    async fn ask(
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
                // Others count alone until it is there.
                Connection::Closed { .. } => {
                    *connection = Connection::Closed { until: Some(Instant::now() + AWAY) };
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
                Some(open)
            }
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    fn lose(&self, error: &RedisError) {
        metrics::gauge!("fintrac_rate_limit_alone").set(1.0);
        let mut connection = self.lock();
        if matches!(*connection, Connection::Open(_)) {
            tracing::warn!(kind = %error.category(), "Redis is lost; this gateway counts requests alone");
        }
        *connection = Connection::Closed { until: Some(Instant::now() + AWAY) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
