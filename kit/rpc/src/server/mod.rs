//! The middleware stack in front of every service.
//!
//! It is the same for calls from the network and from this process, because tonic's own limits
//! apply only in its network server.
//!
//! From outside in: panics become INTERNAL; the request's context opens; the deadline stops work
//! that no caller waits for; authentication admits the call; each kind of caller has limits of its
//! own. The response body is wrapped too, because streams outlive the call.

mod admission;
mod authenticate;
mod context;
mod deadline;
mod panic;
mod trailers_on_error;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use kit_access::Authorizer;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower::util::BoxCloneSyncService;
use tower_http::catch_panic::CatchPanicLayer;

/// A service behind its stack.
/// It can be called through [`crate::transport::local`] or served on a network.
pub type Server = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Wraps `routes` in the stack; `authorizer` decides on each call.
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
