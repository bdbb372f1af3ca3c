//! The stack in front of every service, the same for calls from the network
//! and from this process, because tonic's own limits live in its network
//! server only.
//!
//! From outside in: the body is guarded last because streams outlive the call;
//! panics become INTERNAL; the request's context opens; the deadline stops
//! what nobody waits for; authentication admits; each kind of caller has places
//! of its own.

mod admission;
mod authenticate;
mod context;
mod deadline;
mod panic;
mod trailers_on_error;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower::util::BoxCloneSyncService;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::Authorizer;

/// A service behind its stack, ready for [`crate::transport::local`] or a network server.
pub type Server = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Dresses `routes`; `authorizer` decides who may call.
pub fn server_stack(routes: Routes, authorizer: Arc<Authorizer>) -> Server {
    let limits = Arc::new(admission::CallLimits::new(authorizer.direct_rate_limit()));
    ServiceBuilder::new()
        .layer(BoxCloneSyncService::layer())
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(CatchPanicLayer::custom(panic::to_status))
        .layer(layer_fn(|inner| context::ContextScope { inner }))
        .layer(layer_fn(|inner| deadline::Deadline { inner }))
        .layer(layer_fn(move |inner| authenticate::Authentication {
            inner,
            authorizer: Arc::clone(&authorizer),
        }))
        .layer(layer_fn(move |inner| admission::Admission { inner, limits: Arc::clone(&limits) }))
        .service(routes.prepare())
}
