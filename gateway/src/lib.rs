//! The gateway: REST and JWT in, gRPC out. It owns nothing durable and knows
//! no rules: a handler extracts, builds the request, calls, maps.
//!
//! Where to put things: a call in `routes/<resource>/<verb>.rs`; what holds
//! for every call in `layers/`; the one table of errors in `problem/`.

mod alone;
mod config;
mod extract;
mod feed;
mod language;
mod layers;
mod openapi;
mod problem;
mod router;
mod routes;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use fintrac_kit::serve::Stop;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use alone::run;
pub use config::Config;
pub use openapi::document as openapi_document;
pub use problem::catalogue::markdown as error_catalogue;
pub use routes::health::is_ready;
pub use state::{AppState, Parts};

/// Serves REST on `listener` until the stop closes the listeners.
pub fn serve(listener: TcpListener, state: AppState, stop: &Stop) -> JoinHandle<()> {
    stop.spawn(Arc::clone(&state.feed).follow(state.parts.notify.clone(), stop.listeners.clone()));
    let app = router::app(state).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let closing = stop.listeners.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(closing.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "REST server failed");
        }
    })
}
