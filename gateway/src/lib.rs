//! The gateway: REST and JWT in, gRPC out. It owns nothing durable and knows
//! no rules: a handler extracts, builds the request, calls, maps.
//!
//! Where to put things: a call in `routes/<resource>/<verb>.rs`; what holds
//! for every call in `layers/`; the one table of errors in `problem/`.

mod alone;
mod config;
mod exports;
mod extract;
mod feed;
mod language;
mod layers;
mod openapi;
mod problem;
mod router;
mod routes;
mod server;
mod state;

use std::io;
use std::sync::Arc;

use fintrac_kit::serve::Stop;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use alone::run;
pub use config::Config;
use fintrac_kit::connection_limit::ConnectionLimiter;
pub use openapi::document as openapi_document;
pub use problem::catalogue::markdown as error_catalogue;
pub use routes::health::is_ready;
use server::{IDLE_TIMEOUT, Legible, LimitConnections};
pub use state::{AppState, Parts};

/// Serves REST on `listener` until the stop closes the listeners.
///
/// # Errors
/// The certificate cannot be used.
pub async fn serve(listener: TcpListener, state: AppState, stop: &Stop) -> io::Result<JoinHandle<()>> {
    stop.spawn(Arc::clone(&state.feed).follow(state.parts.notify.clone(), stop.listeners.clone()));
    let limiter = ConnectionLimiter::new(state.config.most_connections, state.config.trusted_proxies.clone());
    let limited = LimitConnections::new(limiter, IDLE_TIMEOUT);
    let accept = Legible::new(limited, state.clock.clone(), state.random.clone());
    let certificate = state.config.certificate.clone();
    server::serve(listener, router::app(state), accept, certificate, stop).await
}
