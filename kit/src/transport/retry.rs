//! Retries of calls between services.
//!
//! A call that was never sent goes to another replica. A call whose response was lost is retried
//! only if it is idempotent (by `idempotency_level` in the protos, or with a key). Retries are
//! limited to a fifth of all calls plus ten per second.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, request};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::transport::Error;
use tonic::{Code, ConnectError, Status};
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::{Service, ServiceExt as _};

use super::IDEMPOTENCY_KEY;
use super::load_balancer::AttemptedEndpoints;
use crate::error::reason;
use crate::random::Random;

/// The number of attempts per call, including the first.
const MAX_ATTEMPTS: u32 = 3;
/// The delay before the second attempt if there is only one replica.
/// It is twice as long before the third. The actual delay is random, from half of it to one and a
/// half times it.
const RETRY_DELAY: Duration = Duration::from_millis(60);

/// A client that retries failed calls if that is safe.
#[derive(Clone)]
pub struct Retry<S> {
    inner: S,
    budget: Arc<TpsBudget>,
}

impl<S> Retry<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, budget: Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2)) }
    }
}

impl<S> Retry<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error>,
{
    pub async fn send(mut self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        // All calls of the system have one request message, which is already complete.
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(status) => return Ok(status.into_http()),
        };
        let repeatable = head.headers.contains_key(IDEMPOTENCY_KEY)
            || fintrac_proto::access(head.uri.path()).is_some_and(|access| access.idempotent);
        self.budget.deposit();
        let attempted = AttemptedEndpoints::default();
        let mut attempt = 1;
        loop {
            let mut request = Request::from_parts(copy_head(&head), Body::new(Full::new(body.clone())));
            request.extensions_mut().insert(attempted.clone());
            let response = match self.inner.ready().await {
                Ok(inner) => inner.call(request).await,
                Err(error) => Err(error),
            };
            let was_never_sent = response.as_ref().is_err_and(failed_to_connect);
            let is_lost = response.as_ref().map_or(true, is_unavailable);
            let has_other_replicas = attempted.has_others();
            let may_retry =
                is_lost && attempt < MAX_ATTEMPTS && (repeatable || was_never_sent && has_other_replicas);
            if !may_retry || !self.budget.withdraw() {
                return response;
            }
            metrics::counter!("fintrac_rpc_retries_total").increment(1);
            if !has_other_replicas {
                // There is only one replica; it may come back.
                attempted.clear();
                tokio::time::sleep(Random::System.jittered(RETRY_DELAY * attempt)).await;
            }
            attempt += 1;
        }
    }
}

/// Copies the head of a request for another attempt.
fn copy_head(head: &request::Parts) -> request::Parts {
    let (mut copy, ()) = Request::new(()).into_parts();
    copy.method = head.method.clone();
    copy.uri = head.uri.clone();
    copy.version = head.version;
    copy.headers = head.headers.clone();
    copy.extensions = head.extensions.clone();
    copy
}

/// Returns whether the call failed before it was sent, so that it has no effect.
fn failed_to_connect(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<ConnectError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Returns whether the service is unavailable; an overloaded service is not.
fn is_unavailable(response: &Response<Body>) -> bool {
    let status = Status::from_header_map(response.headers());
    status.is_some_and(|status| {
        status.code() == Code::Unavailable && reason(&status).as_deref() != Some("OVERLOADED")
    })
}
