//! Connection pools.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, Row as _};

/// The size and the timeout of a connection pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolConfig {
    /// Maximum number of connections.
    pub max_connections: u32,
    /// Time to wait for a free connection.
    pub acquire_timeout: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_connections: 10, acquire_timeout: Duration::from_secs(10) }
    }
}

/// Creates a pool of sessions in `schema` that discards unusable connections.
///
/// A canceled `Pool::begin` returns a connection that is inside a transaction (sqlx 0.9). The check
/// before each use detects this, and costs the same round trip as the ping that it replaces:
/// outside a transaction, a statement and its transaction start at the same instant.
pub fn pool(options: &PgConnectOptions, schema: &str, config: PoolConfig) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                // The simple protocol: the extended one takes the two times at different instants.
                let check = sqlx::raw_sql("select transaction_timestamp() = statement_timestamp()");
                connection.fetch_one(check).await?.try_get(0)
            })
        })
        .connect_lazy_with(session_options(options, schema))
}

/// Creates a pool of one connection, for work that must not wait behind requests.
pub fn dedicated_pool(pool: &PgPool) -> PgPool {
    let options = PgConnectOptions::clone(&pool.connect_options());
    PgPoolOptions::new().max_connections(1).connect_lazy_with(options)
}

/// Creates a small pool for expensive work.
/// Such work does not take the connections of `pool`, and holds none for longer than
/// `statement_timeout`.
pub fn bounded_pool(pool: &PgPool, max_connections: u32, statement_timeout: Duration) -> PgPool {
    let timeout = format!("{}ms", statement_timeout.as_millis());
    let options = PgConnectOptions::clone(&pool.connect_options()).options([("statement_timeout", timeout)]);
    PgPoolOptions::new().max_connections(max_connections).connect_lazy_with(options)
}

/// Adds the settings of a session in `schema` to `options`.
pub fn session_options(options: &PgConnectOptions, schema: &str) -> PgConnectOptions {
    options.clone().application_name(&format!("fintrac-{schema}")).options([
        ("search_path", schema),
        ("idle_in_transaction_session_timeout", "10s"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "20s"),
        ("timezone", "UTC"),
        // The estimates of generic plans are high enough to trigger JIT compilation, which takes
        // a hundred times as long as the short queries of this system.
        ("jit", "off"),
    ])
}
