//! Enforces `grpc-timeout`.
//!
//! When it passes, the handler is dropped and the caller receives DEADLINE_EXCEEDED.

use std::convert::Infallible;
use std::task::{Context as Poller, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use kit_core::context;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::trailers_on_error::TrailersOnError;

#[derive(Clone)]
pub(super) struct Deadline<S> {
    pub inner: S,
}

impl<S> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let deadline = context::current().and_then(|context| context.deadline);
        let call = self.inner.call(request);
        Box::pin(async move {
            let response = match deadline {
                None => call.await?,
                Some(deadline) => match tokio::time::timeout_at(deadline, call).await {
                    Ok(response) => response?,
                    Err(_elapsed) => return Ok(Status::deadline_exceeded("deadline passed").into_http()),
                },
            };
            Ok(response.map(|body| Body::new(TrailersOnError::new(body, deadline))))
        })
    }
}
