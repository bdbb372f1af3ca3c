//! Authorizes each call, and passes the caller and the access rules to the handler.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use futures::future::{BoxFuture, Either, Ready, ready};
use http::{Request, Response};
use kit_access::Authorizer;
use kit_core::context::{self, Context};
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

#[derive(Clone)]
pub(super) struct Authentication<S> {
    pub inner: S,
    pub authorizer: Arc<Authorizer>,
}

type ResponseFuture = BoxFuture<'static, Result<Response<Body>, Infallible>>;

impl<S> Service<Request<Body>> for Authentication<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, ResponseFuture>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // Only network calls have a peer; in this process extensions are cleared.
        let peer = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        let peer = peer.map(|address| address.ip());
        let call = match self.authorizer.authorize(request.uri().path(), request.headers(), peer) {
            Ok(call) => call,
            Err(status) => return Either::Left(ready(Ok(status.into_http()))),
        };
        let opened = context::current().unwrap_or_default();
        let context = Context { access_token: call.access_token, client: call.client, ..opened };
        request.extensions_mut().insert(call.caller);
        if let Some(access) = call.access {
            request.extensions_mut().insert(access);
        }
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Either::Right(Box::pin(context::scope(context, async move { inner.call(request).await })))
    }
}
