//! Retries of calls between services.
//!
//! A call that was never sent goes to another replica. A call whose response was lost is retried
//! only if it is idempotent (by `idempotency_level` in the protos, or with a key). Retries are
//! limited to a fifth of all calls plus ten per second.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use kit_core::error::{ProblemCode, reason};
use kit_core::headers::IDEMPOTENCY_KEY;
use kit_core::random::Random;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::transport::Error;
use tonic::{Code, ConnectError, Status};
use tower::retry::Policy;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::{Service, ServiceExt as _, service_fn};

use super::load_balancer::AttemptedEndpoints;

/// The number of attempts per call, including the first.
const MAX_ATTEMPTS: u32 = 3;
/// The delay before the second attempt if there is only one replica.
/// It is twice as long before the third. The actual delay is random, from half of it to one and a
/// half times it.
const RETRY_DELAY: Duration = Duration::from_millis(60);

/// The policy that retries failed calls if that is safe.
#[derive(Clone)]
pub struct Retry {
    budget: Arc<TpsBudget>,
    /// The number of the current attempt, from 1.
    attempt: u32,
}

impl Retry {
    /// Creates the policy of one client, with its own budget.
    pub fn new() -> Self {
        Self { budget: Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2)), attempt: 1 }
    }

    /// Sends `request` through `inner`, and again as often as the policy allows.
    pub async fn send<S>(self, inner: S, request: Request<Body>) -> Result<Response<Body>, Error>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone,
    {
        let (mut head, body) = request.into_parts();
        // All calls of the system have one request message, which is already complete.
        let body = match body.collect().await {
            Ok(body) => Full::new(body.to_bytes()),
            Err(status) => return Ok(status.into_http()),
        };
        head.extensions.insert(AttemptedEndpoints::default());
        self.budget.deposit();
        let attempt =
            service_fn(move |request: Request<Full<Bytes>>| inner.clone().oneshot(request.map(Body::new)));
        tower::retry::Retry::new(self, attempt).oneshot(Request::from_parts(head, body)).await
    }
}

impl Policy<Request<Full<Bytes>>, Response<Body>, Error> for Retry {
    type Future = BoxFuture<'static, ()>;

    fn retry(
        &mut self,
        request: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<Body>, Error>,
    ) -> Option<Self::Future> {
        let attempted = request.extensions().get::<AttemptedEndpoints>()?.clone();
        let has_other_replicas = attempted.has_others();
        let is_lost = result.as_ref().map_or(true, is_unavailable);
        let was_never_sent = result.as_ref().is_err_and(failed_to_connect);
        let is_safe = is_idempotent(request) || was_never_sent && has_other_replicas;
        if !is_lost || !is_safe || self.attempt == MAX_ATTEMPTS || !self.budget.withdraw() {
            return None;
        }
        metrics::counter!("fintrac_rpc_retries_total").increment(1);
        let delay = (!has_other_replicas).then(|| {
            // There is only one replica; it may come back.
            attempted.clear();
            Random::System.jittered(RETRY_DELAY * self.attempt)
        });
        self.attempt += 1;
        Some(Box::pin(async move {
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
        }))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

/// Returns whether a call can safely be repeated.
/// Its proto says so, or it has a key.
fn is_idempotent<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(IDEMPOTENCY_KEY)
        || fintrac_proto::access(request.uri().path()).is_some_and(|access| access.idempotent)
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
        status.code() == Code::Unavailable
            && reason(&status).as_deref() != Some(ProblemCode::Overloaded.as_str())
    })
}
