//! Connection pools, schemas and roles, and the kinds of database errors.

mod roles;
mod schema;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, Row as _};

pub use roles::{app_role, bootstrap, owner_role, role_password};
pub use schema::{Grant, Schema, SchemaError, ensure_event_partitions};

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

/// Returns whether a retry may succeed.
/// It may after a failure of the connection, the pool or the server, a deadlock or a timeout.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            true
        }
        sqlx::Error::Database(error) => {
            // Connection, rollback (deadlock, serialization), resources, operator intervention;
            // lock timeout, idle in transaction.
            let transient = ["08", "40", "53", "57", "55P03", "25P03"];
            error.code().is_some_and(|code| transient.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

/// Returns whether the database is overloaded.
/// It is if no connection or lock became free in time, or if the server is out of resources.
pub fn is_overloaded(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(error, sqlx::Error::PoolTimedOut)
        || code.is_some_and(|code| code.starts_with("53") || code == "55P03")
}

/// Returns whether a statement exceeded its timeout.
pub fn is_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("57014")
}

/// Returns whether a number, such as a sum, was out of range.
pub fn is_out_of_range(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("22003")
}

/// Returns the name of the constraint that a statement violated.
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}
