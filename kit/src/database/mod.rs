//! The connection pool of a service, and its schema.

mod roles;
mod schema;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, Row as _};

pub use roles::{app_role, bootstrap, owner_role, role_password};
pub(crate) use schema::ensure_event_partitions;
pub use schema::{Grant, Schema, SchemaError};

/// The size and patience of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolConfig {
    pub max_connections: u32,
    pub acquire_timeout: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_connections: 10, acquire_timeout: Duration::from_secs(10) }
    }
}

/// A pool whose connections see `schema` first and give up what hangs.
///
/// `Pool::begin` cancelled half-way returns a connection that is inside a
/// transaction (sqlx 0.9). The check before each use finds that out, and costs
/// the same round trip as the ping it replaces: outside a transaction a
/// statement and its transaction begin at one instant.
pub fn pool(options: &PgConnectOptions, schema: &str, config: PoolConfig) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                // The simple protocol: the extended one takes the two times at two moments.
                let check = sqlx::raw_sql("select transaction_timestamp() = statement_timestamp()");
                connection.fetch_one(check).await?.try_get(0)
            })
        })
        .connect_lazy_with(session_options(options, schema))
}

/// One connection beside `pool`, for work that must not queue behind requests.
pub fn dedicated_pool(pool: &PgPool) -> PgPool {
    let options = PgConnectOptions::clone(&pool.connect_options());
    PgPoolOptions::new().max_connections(1).connect_lazy_with(options)
}

/// A small pool beside `pool` for work that is costly by nature: it neither takes the
/// connections of others nor holds one for longer than `statement_timeout`.
pub fn bounded_pool(pool: &PgPool, max_connections: u32, statement_timeout: Duration) -> PgPool {
    let timeout = format!("{}ms", statement_timeout.as_millis());
    let options = PgConnectOptions::clone(&pool.connect_options()).options([("statement_timeout", timeout)]);
    PgPoolOptions::new().max_connections(max_connections).connect_lazy_with(options)
}

/// `options` for a session in `schema`.
pub fn session_options(options: &PgConnectOptions, schema: &str) -> PgConnectOptions {
    options.clone().application_name(&format!("fintrac-{schema}")).options([
        ("search_path", schema),
        ("idle_in_transaction_session_timeout", "10s"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "20s"),
        ("timezone", "UTC"),
        // Estimates of a general plan are high enough to compile it, which takes
        // a hundred times as long as the short queries of this system.
        ("jit", "off"),
    ])
}

/// Whether trying again later may help: the connection, the pool or the
/// server failed, not the statement.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            true
        }
        sqlx::Error::Database(error) => {
            // Connection, rollback (deadlock, serialisation), resources, operator
            // intervention; lock timeout, idle in transaction.
            let transient = ["08", "40", "53", "57", "55P03", "25P03"];
            error.code().is_some_and(|code| transient.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

/// Returns whether there is too much to do: no connection or lock became free in
/// time, or the server is out of resources.
pub fn is_overloaded(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(error, sqlx::Error::PoolTimedOut)
        || code.is_some_and(|code| code.starts_with("53") || code == "55P03")
}

/// Whether a statement took longer than it may.
pub fn is_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("57014")
}

/// Whether a number did not fit, such as a sum.
pub fn is_out_of_range(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("22003")
}

/// Name of the constraint that a statement violated.
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}
