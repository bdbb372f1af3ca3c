//! Limits and tracks connections.
//! Each connection holds a permit. It is closed when it has been idle for too long, or when a new
//! connection needs the permit (see [`kit_rpc::connection_limit`]). Keep-alives are not
//! activity; requests are, until their responses end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, Response};
use axum_server::accept::Accept;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use kit_rpc::connection_limit::{ActiveRequest, ConnectionActivity, ConnectionLimiter, ConnectionPermit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tower::Service;

/// Accepts connections that get a permit.
#[derive(Debug, Clone)]
pub struct LimitConnections {
    limiter: ConnectionLimiter,
    idle_timeout: Duration,
}

impl LimitConnections {
    pub fn new(limiter: ConnectionLimiter, idle_timeout: Duration) -> Self {
        Self { limiter, idle_timeout }
    }
}

impl<S> Accept<TcpStream, S> for LimitConnections {
    type Stream = IdleStream<TcpStream>;
    type Service = TrackRequests<S>;
    type Future = std::future::Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = stream.peer_addr().and_then(|peer| {
            let permit = self.limiter.acquire(peer.ip()).ok_or_else(|| {
                metrics::counter!("fintrac_connections_rejected_total").increment(1);
                io::Error::from(io::ErrorKind::ConnectionRefused)
            })?;
            stream.set_nodelay(true)?;
            let activity = Arc::clone(permit.activity());
            Ok((IdleStream::new(stream, permit, self.idle_timeout), TrackRequests { service, activity }))
        });
        std::future::ready(accepted)
    }
}

/// A connection that ends when it is idle for too long or must give way.
/// To the server, the client seems to have closed it.
pub struct IdleStream<T> {
    stream: T,
    permit: ConnectionPermit,
    idle_timeout: Duration,
    timer: Pin<Box<Sleep>>,
    closing: BoxFuture<'static, ()>,
    has_ended: bool,
}

impl<T> IdleStream<T> {
    fn new(stream: T, permit: ConnectionPermit, idle_timeout: Duration) -> Self {
        let activity = Arc::clone(permit.activity());
        Self {
            stream,
            permit,
            idle_timeout,
            timer: Box::pin(tokio::time::sleep(idle_timeout)),
            closing: async move { activity.closing().await }.boxed(),
            has_ended: false,
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.has_ended || self.closing.poll_unpin(context).is_ready() {
            self.has_ended = true;
            return Poll::Ready(());
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let idle_since = self.permit.activity().idle_since().unwrap_or_else(Instant::now);
            let end = idle_since + self.idle_timeout;
            if end <= Instant::now() {
                self.has_ended = true;
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for IdleStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_end(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for IdleStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Records the requests of a connection as activity.
#[derive(Debug, Clone)]
pub struct TrackRequests<S> {
    service: S,
    activity: Arc<ConnectionActivity>,
}

impl<S, B, R> Service<Request<B>> for TrackRequests<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    R: 'static,
{
    type Response = Response<TrackedBody<R>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let active = self.activity.begin();
        let call = self.service.call(request);
        async move { Ok(call.await?.map(|body| TrackedBody { body, _active: active })) }.boxed()
    }
}

/// A response body that counts as activity until it has ended.
#[derive(Debug)]
pub struct TrackedBody<R> {
    body: R,
    _active: ActiveRequest,
}

impl<R: Body + Unpin> Body for TrackedBody<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
