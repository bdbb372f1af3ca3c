//! The kinds of database errors, and the status that each has.

use kit_core::error::{ProblemCode, RpcError, chain, internal, overloaded, unavailable};
use tonic::Status;

/// Returns the status of a database failure.
/// Overload is `OVERLOADED`, a statement timeout `TIMEOUT`, a lost connection `UNAVAILABLE`, a sum
/// that is too large `BALANCE_OUT_OF_RANGE`, and everything else an internal error.
pub fn error_status(error: &sqlx::Error) -> Status {
    if is_overloaded(error) {
        tracing::warn!(error = %chain(error), "database overloaded");
        return overloaded();
    }
    if is_timeout(error) {
        tracing::warn!(error = %chain(error), "statement timed out");
        // A retry would take as long again, so the status is not retryable.
        let text = "The request takes too long. Request less data, such as fewer days.";
        return RpcError::new(ProblemCode::Timeout, text).into();
    }
    if is_out_of_range(error) {
        tracing::warn!(error = %chain(error), "number out of range");
        let text = "The totals exceed the largest supported amount. Request fewer days.";
        return RpcError::new(ProblemCode::BalanceOutOfRange, text).into();
    }
    if is_transient(error) {
        tracing::warn!(error = %chain(error), "database unavailable");
        return unavailable("The database cannot be reached. Try again in a moment.");
    }
    internal(error)
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

#[cfg(test)]
mod tests {
    use kit_core::error::reason;

    use super::error_status;

    #[test]
    fn an_exhausted_pool_is_overloaded_and_a_lost_connection_unavailable() {
        let overloaded = error_status(&sqlx::Error::PoolTimedOut);
        assert_eq!(reason(&overloaded).as_deref(), Some("OVERLOADED"));
        let lost = error_status(&sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert_eq!(reason(&lost).as_deref(), Some("UNAVAILABLE"));
    }
}
