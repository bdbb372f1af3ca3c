//! The gateway: REST and JWT in, gRPC out.
//! It stores nothing durable and has no business rules: a handler extracts the input, builds the
//! request, calls a service and maps the response.
//!
//! Layout: the operations of a resource are in `routes/<resource>`, middleware for all operations
//! in `layers/`, the table of error codes in `problem/`.

mod config;
mod export_limit;
mod extract;
mod http;
mod language;
mod layers;
mod live_events;
mod openapi;
mod problem;
mod readiness;
mod response;
mod router;
mod routes;
mod server;
mod services;
mod standalone;
mod state;

use std::io;
use std::sync::Arc;

use kit_process::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use config::Config;
use kit_rpc::connection_limit::ConnectionLimiter;
pub use problem::codes::markdown as error_codes_markdown;
pub use router::document as openapi_document;
use server::{IDLE_TIMEOUT, LimitConnections, ProblemOnParseError};
pub use services::Services;
pub use standalone::run;
pub use state::AppState;

/// Serves REST on `listener` until the shutdown closes the listeners.
///
/// # Errors
/// Fails if the certificate cannot be used.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: &Shutdown,
) -> io::Result<JoinHandle<()>> {
    shutdown
        .spawn(Arc::clone(&state.event_hub).run(state.services.notify.clone(), shutdown.listeners.clone()));
    let limiter = ConnectionLimiter::new(state.config.max_connections, state.config.trusted_proxies.clone());
    let limited = LimitConnections::new(limiter, IDLE_TIMEOUT);
    let accept = ProblemOnParseError::new(limited, state.clock.clone(), state.random.clone());
    let certificate = state.config.certificate.clone();
    server::serve(listener, router::app(state), accept, certificate, shutdown).await
}
