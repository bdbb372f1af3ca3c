//! Limits on calls in progress, per kind of caller.
//!
//! Services, users that call directly, and probes have separate limits, so that none can exhaust
//! those of the others. Direct calls are counted, rate-limited and timed out by the server itself;
//! a client cannot hold a permit longer by what it sends or does not send.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use kit_access::{Caller, DirectRateLimit};
use kit_core::context::{self, Context};
use kit_core::error::{ProblemCode, RpcError, overloaded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use uuid::Uuid;

/// The number of service calls in progress up to their response head.
/// Further calls wait.
const MAX_SERVICE_CALLS: usize = 1024;
/// The number of direct calls in progress up to the end of their response.
/// Further calls are rejected.
const MAX_DIRECT_CALLS: usize = 256;
/// The number of direct calls of one user in progress.
const MAX_DIRECT_CALLS_PER_USER: usize = 32;
/// The number of health checks in progress.
const MAX_PROBES: usize = 256;
/// The number of open health watches and reflection streams.
const MAX_OPEN_STREAMS: usize = 64;
/// The timeout of a direct call up to its response head, including its message.
const DIRECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of users above which the rate limiter removes inactive ones.
const MAX_TRACKED_USERS: usize = 10_000;

/// The limits of one service.
#[derive(Debug)]
pub(super) struct CallLimits {
    services: Arc<Semaphore>,
    direct: Arc<Semaphore>,
    probes: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    by_user: Mutex<HashMap<Uuid, usize>>,
    rate: Option<DefaultKeyedRateLimiter<Uuid>>,
}

impl CallLimits {
    pub fn new(rate: DirectRateLimit) -> Self {
        let semaphore = |number| Arc::new(Semaphore::new(number));
        Self {
            services: semaphore(MAX_SERVICE_CALLS),
            direct: semaphore(MAX_DIRECT_CALLS),
            probes: semaphore(MAX_PROBES),
            streams: semaphore(MAX_OPEN_STREAMS),
            by_user: Mutex::default(),
            rate: rate.0.map(|per_minute| RateLimiter::keyed(Quota::per_minute(per_minute))),
        }
    }

    /// Admits a direct call of a user.
    fn direct(self: &Arc<Self>, user: Uuid) -> Result<DirectCallPermit, Status> {
        if let Some(rate) = &self.rate {
            if rate.len() > MAX_TRACKED_USERS {
                rate.retain_recent();
            }
            if rate.check_key(&user).is_err() {
                let message = "There are too many calls at once. Wait a moment.";
                let limited = RpcError::new(ProblemCode::RateLimited, message);
                return Err(limited.retry_after(Duration::from_secs(1)).into());
            }
        }
        let permit = Arc::clone(&self.direct).try_acquire_owned().map_err(|_| overloaded())?;
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let own = by_user.entry(user).or_default();
        if *own >= MAX_DIRECT_CALLS_PER_USER {
            return Err(overloaded());
        }
        *own += 1;
        Ok(DirectCallPermit { limits: Arc::clone(self), user, _permit: permit })
    }
}

/// The permit of a direct call, held until the response has ended.
#[derive(Debug)]
struct DirectCallPermit {
    limits: Arc<CallLimits>,
    user: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Drop for DirectCallPermit {
    fn drop(&mut self) {
        let mut by_user = self.limits.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by_user.get_mut(&self.user) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                by_user.remove(&self.user);
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct Admission<S> {
    pub inner: S,
    pub limits: Arc<CallLimits>,
}

impl<S> Service<Request<Body>> for Admission<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let limits = Arc::clone(&self.limits);
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        Box::pin(async move {
            let user = caller.principal.as_ref().map(|principal| principal.user_id);
            match (caller.service, user) {
                (Some(_), _) => {
                    let _permit = Arc::clone(&limits.services).acquire_owned().await;
                    inner.call(request).await
                }
                (None, Some(user)) => match limits.direct(user) {
                    Ok(permit) => direct(inner.call(request), permit).await,
                    Err(status) => Ok(status.into_http()),
                },
                (None, None) => {
                    let is_probe = request.uri().path() == "/grpc.health.v1.Health/Check";
                    let semaphore = if is_probe { &limits.probes } else { &limits.streams };
                    match Arc::clone(semaphore).try_acquire_owned() {
                        Ok(permit) => direct(inner.call(request), permit).await,
                        Err(_none_left) => Ok(overloaded().into_http()),
                    }
                }
            }
        })
    }
}

/// Runs a direct call with the server's own timeout.
/// `permit` is held until the response has ended.
async fn direct<P: Send + Unpin + 'static>(
    call: impl Future<Output = Result<Response<Body>, Infallible>>,
    permit: P,
) -> Result<Response<Body>, Infallible> {
    let own = Instant::now() + DIRECT_TIMEOUT;
    let opened = context::current().unwrap_or_default();
    let head =
        Context { deadline: Some(opened.deadline.map_or(own, |deadline| deadline.min(own))), ..opened };
    match tokio::time::timeout_at(own, context::scope(head, call)).await {
        Ok(response) => Ok(response?.map(|body| Body::new(PermitBody { inner: body, _permit: permit }))),
        Err(_elapsed) => Ok(Status::deadline_exceeded("deadline passed").into_http()),
    }
}

/// A response body that holds a permit.
struct PermitBody<P> {
    inner: Body,
    _permit: P,
}

impl<P: Unpin> HttpBody for PermitBody<P> {
    type Data = <Body as HttpBody>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Poller<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures::future::BoxFuture;
    use futures::{poll, stream};
    use http_body_util::StreamBody;
    use kit_access::Principal;
    use tonic::Code;
    use tonic_types::StatusExt as _;
    use tower::service_fn;

    use super::*;

    fn admission(
        per_minute: u32,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Call> {
        let inner = service_fn(|request: Request<Body>| async move {
            if request.uri().path() == "/hang" {
                std::future::pending::<()>().await;
            }
            let body = if request.uri().path().ends_with("/Watch") {
                Body::new(StreamBody::new(
                    stream::pending::<Result<Frame<<Body as HttpBody>::Data>, Status>>(),
                ))
            } else {
                Body::empty()
            };
            Ok::<_, Infallible>(Response::new(body))
        });
        Admission { inner, limits: Arc::new(CallLimits::new(DirectRateLimit(NonZeroU32::new(per_minute)))) }
    }

    type Call = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn request(path: &str, caller: Caller) -> Request<Body> {
        let mut request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(caller);
        request
    }

    fn user(number: u128) -> Caller {
        let (user_id, nil) = (Uuid::from_u128(number), Uuid::nil());
        let principal = Principal { user_id, session_id: nil, household_id: nil, roles: Vec::new() };
        Caller { service: None, principal: Some(principal) }
    }

    fn service() -> Caller {
        Caller { service: Some("gateway".into()), ..user(1) }
    }

    fn reason(response: &Response<Body>) -> Option<String> {
        let status = Status::from_header_map(response.headers())?;
        Some(status.get_error_details().error_info()?.reason.clone())
    }

    async fn reason_of(call: Call) -> Option<String> {
        let Ok(response) = call.await;
        reason(&response)
    }

    #[tokio::test]
    async fn unfinished_requests_of_a_user_take_no_capacity_of_others() {
        let mut admission = admission(100_000);
        let mut hanging: Vec<Call> = Vec::new();
        for number in 1..=8 {
            for _ in 0..MAX_DIRECT_CALLS_PER_USER {
                let mut call = admission.call(request("/hang", user(number)));
                assert!(poll!(&mut call).is_pending());
                hanging.push(call);
            }
            if number == 1 {
                let more = admission.call(request("/quick", user(1)));
                assert_eq!(reason_of(more).await.as_deref(), Some("OVERLOADED"), "at most 32 per user");
                assert_eq!(reason_of(admission.call(request("/quick", user(2)))).await, None);
            }
        }
        let ninth = admission.call(request("/quick", user(9)));
        assert_eq!(reason_of(ninth).await.as_deref(), Some("OVERLOADED"), "all users have at most 256 calls");
        assert_eq!(reason_of(admission.call(request("/quick", service()))).await, None);
        let check = request("/grpc.health.v1.Health/Check", Caller::default());
        assert_eq!(reason_of(admission.call(check)).await, None);
        drop(hanging);
        assert_eq!(reason_of(admission.call(request("/quick", user(9)))).await, None);
    }

    #[tokio::test]
    async fn health_watches_are_limited_and_checks_still_succeed() {
        let mut admission = admission(1);
        let mut watch = || admission.call(request("/grpc.health.v1.Health/Watch", Caller::default()));
        let mut open = Vec::new();
        for _ in 0..MAX_OPEN_STREAMS {
            let Ok(response) = watch().await;
            assert_eq!(reason(&response), None);
            open.push(response);
        }
        assert_eq!(reason_of(watch()).await.as_deref(), Some("OVERLOADED"));
        open.pop();
        assert_eq!(reason_of(watch()).await, None, "one watch has ended");
        let check = request("/grpc.health.v1.Health/Check", Caller::default());
        assert_eq!(reason_of(admission.call(check)).await, None);
    }

    #[tokio::test]
    async fn direct_calls_are_rate_limited_per_user() {
        let mut admission = admission(2);
        let mut call = |caller| admission.call(request("/quick", caller));
        for _ in 0..2 {
            assert_eq!(reason_of(call(user(1))).await, None);
        }
        assert_eq!(reason_of(call(user(1))).await.as_deref(), Some("RATE_LIMITED"));
        assert_eq!(reason_of(call(user(2))).await, None);
        for _ in 0..5 {
            assert_eq!(reason_of(call(service())).await, None, "the gateway limits these");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_direct_call_that_hangs_times_out() {
        let Ok(response) = admission(2).call(request("/hang", user(1))).await;
        let status = Status::from_header_map(response.headers()).expect("a status");
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
}
