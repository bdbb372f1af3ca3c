//! Clients of a service, across the network or in the same process.
//!
//! Generated clients use a [`Transport`]: [`remote`] wraps a channel, [`local`] a server stack.
//! Both include the client stack, which adds the service credential and the request's context to
//! every internal call.

mod affinity;
mod load_balancer;
mod response;
mod retry;

use std::sync::Arc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use kit_access::credential::Issuer;
use kit_core::context;
use kit_core::headers::{CLIENT_IP, LANGUAGE, REQUEST_ID, SERVICE_CREDENTIAL, USER_AGENT};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, ClientTlsConfig, Error};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use crate::server::Server;

pub use affinity::affinity;
use load_balancer::{Affinity, LoadBalancer};
pub use load_balancer::{InvalidEndpoint, Resolver};
use response::{deadline_exceeded, to_response};
use retry::Retry;

/// The transport of every generated client in the system.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, Error>;

/// The timeout of a unary call whose caller has no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Request extension of a call without a deadline, such as a subscription.
#[derive(Debug, Clone, Copy)]
pub struct NoDeadline;

const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Creates a transport to a service in this process.
/// The request's extensions are cleared: they do not cross a network either, and a forged one could
/// contain an identity.
pub fn local(server: Server, issuer: Issuer) -> Transport {
    let server = server
        .map_request(|mut request: Request<Body>| {
            request.extensions_mut().clear();
            request
        })
        .map_err(|never: std::convert::Infallible| match never {});
    with_middleware(server, issuer)
}

/// Creates a transport to all replicas of a service across the network.
/// It connects on the first call and reconnects after a loss. `urls` are separated by commas, and a
/// name may have many addresses. `https` requires `tls`.
pub fn remote(
    urls: &str,
    tls: Option<ClientTlsConfig>,
    issuer: Issuer,
) -> Result<Transport, InvalidEndpoint> {
    remote_with_resolver(urls, tls, issuer, load_balancer::system_resolver())
}

/// Creates a transport as [`remote`] does, with names resolved by `resolver`.
pub fn remote_with_resolver(
    urls: &str,
    tls: Option<ClientTlsConfig>,
    issuer: Issuer,
    resolver: Resolver,
) -> Result<Transport, InvalidEndpoint> {
    let balancer = LoadBalancer::new(urls, tls, issuer.callee(), resolver)?;
    Ok(with_middleware(balancer, issuer))
}

/// Creates a transport over the caller's own channel.
pub fn over_channel(channel: Channel, issuer: Issuer) -> Transport {
    with_middleware(channel, issuer)
}

fn with_middleware<S>(inner: S, issuer: Issuer) -> Transport
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    BoxCloneSyncService::new(ClientStack { inner, retry: Retry::new(), issuer: Arc::new(issuer) })
}

#[derive(Clone)]
struct ClientStack<S> {
    inner: S,
    retry: Retry,
    issuer: Arc<Issuer>,
}

impl<S> Service<Request<Body>> for ClientStack<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    /// Always ready, because each attempt waits until the inner service is ready.
    fn poll_ready(&mut self, _poller: &mut Poller<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let has_no_deadline = request.extensions().get::<NoDeadline>().is_some();
        let context = context::current().unwrap_or_default();
        let deadline =
            (!has_no_deadline).then(|| context.deadline.unwrap_or_else(|| Instant::now() + DEFAULT_DEADLINE));
        let mut household = None;
        let headers = request.headers_mut();
        insert_header(headers, SERVICE_CREDENTIAL, &self.issuer.credential());
        insert_header(headers, REQUEST_ID, &context.request_id);
        if let Some(token) = context.access_token {
            household = affinity::from_token(&token);
            insert_header(headers, http::header::AUTHORIZATION.as_str(), &format!("Bearer {token}"));
        }
        if let Some(ip) = context.client.ip {
            insert_header(headers, CLIENT_IP, &ip.to_string());
        }
        insert_header(headers, USER_AGENT, &context.client.user_agent);
        insert_header(headers, LANGUAGE, &context.client.language);
        kit_telemetry::inject(headers);
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            // The gRPC protocol allows at most 8 digits.
            insert_header(headers, GRPC_TIMEOUT, &format!("{}m", left.clamp(1, 99_999_999)));
        }
        if let Some(number) = household {
            request.extensions_mut().insert(Affinity(number));
        }
        let (inner, retry, issuer) = (self.inner.clone(), self.retry.clone(), Arc::clone(&self.issuer));
        Box::pin(async move {
            let call = retry.send(inner, request);
            let result = match deadline {
                Some(deadline) => match tokio::time::timeout_at(deadline, call).await {
                    Ok(result) => result,
                    Err(_elapsed) => return Ok(deadline_exceeded()),
                },
                None => call.await,
            };
            Ok(to_response(result, issuer.callee()))
        })
    }
}

fn insert_header(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if !value.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
    {
        headers.insert(name, value);
    }
}
