//! Rate limits shared by all replicas through Redis.
//! GCRA runs in one script, by the clock of Redis. Redis stores nothing else and may be lost at any
//! time: each replica then limits locally and sets a metric.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{RedisError, Script};
use tokio::time::Instant;

use crate::config::RedisConfig;

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

/// The outcome for one request.
#[derive(Debug)]
pub struct Decision {
    /// Number of requests that are allowed immediately.
    pub left: u32,
    /// Time to wait, if the request is rejected.
    pub wait: Option<Duration>,
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
