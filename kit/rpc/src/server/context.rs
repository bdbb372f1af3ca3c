//! Opens the request's [`Context`] with the deadline and the id from its headers.
//!
//! The next layer adds the caller and the client.

use std::convert::Infallible;
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant as StdInstant};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use kit_core::context::{self, Context};
use kit_core::headers::REQUEST_ID;
use kit_core::random::Random;
use tokio::time::Instant;
use tonic::body::Body;
use tower::Service;
use tracing::Instrument as _;

#[derive(Clone)]
pub(super) struct ContextScope<S> {
    pub inner: S,
}

impl<S> Service<Request<Body>> for ContextScope<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let sent = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let generated = uuid::Uuid::from_bytes(Random::System.bytes());
        let request_id = context::request_id(sent, generated);
        let deadline = timeout(request.headers()).map(|left| Instant::now() + left);
        let span = tracing::info_span!("rpc", path = request.uri().path(), request_id);
        kit_telemetry::set_parent(&span, request.headers());
        // Only known paths: clients can invent others, and metric labels are never removed.
        let method = fintrac_proto::access(request.uri().path()).map_or("other", |access| access.path);
        let context = Context { request_id, deadline, ..Context::default() };
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let started = StdInstant::now();
        Box::pin(
            context::scope(context, async move {
                let response = inner.call(request).await?;
                let seconds = started.elapsed().as_secs_f64();
                metrics::histogram!("fintrac_rpc_seconds", "method" => method).record(seconds);
                Ok(response)
            })
            .instrument(span),
        )
    }
}

/// Parses `grpc-timeout`: up to eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(value * 3600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::timeout;

    #[test]
    fn timeouts_follow_the_grpc_protocol() {
        let read = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().expect("a header value"));
            timeout(&headers)
        };
        assert_eq!(read("100m"), Some(Duration::from_millis(100)));
        assert_eq!(read("2S"), Some(Duration::from_secs(2)));
        for bad in ["", "m", "100", "123456789m", "-1S", "1x"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
