//! Rewrites hyper's responses to unparsable HTTP/1 requests as problem+json.
//! hyper rejects such requests with an empty body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE};
use axum_server::accept::Accept;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use kit_core::clock::Clock;
use kit_core::error::ProblemCode;
use kit_core::random::Random;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::http::SECURITY_HEADERS;
use crate::language::Language;
use crate::layers::request_limits;
use crate::problem::Problem;
use crate::problem::details::ProblemDetails;

/// The first lines of hyper's own responses.
const STATUS_LINES: [(StatusCode, &str); 3] = [
    (StatusCode::BAD_REQUEST, "HTTP/1.1 400 Bad Request"),
    (StatusCode::URI_TOO_LONG, "HTTP/1.1 414 URI Too Long"),
    (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "HTTP/1.1 431 Request Header Fields Too Large"),
];
/// The other headers of hyper's own responses, up to the value of the date.
/// Every response of the gateway has more headers.
const BARE_HEADERS: &str = "\r\nconnection: close\r\ncontent-length: 0\r\ndate: ";
/// Length of a date such as "Sun, 06 Nov 1994 08:49:37 GMT".
const DATE_LENGTH: usize = 29;
const HEAD_END: &str = "\r\n\r\n";

/// Accepts connections as `A` does and adds problems for unparsable requests.
#[derive(Clone)]
pub struct ProblemOnParseError<A> {
    accept: A,
    writer: Arc<ProblemWriter>,
}

/// Writes the problem responses.
struct ProblemWriter {
    clock: Clock,
    random: Random,
}

impl<A> ProblemOnParseError<A> {
    pub fn new(accept: A, clock: Clock, random: Random) -> Self {
        Self { accept, writer: Arc::new(ProblemWriter { clock, random }) }
    }

    /// Wraps the inner acceptor.
    pub fn map<B>(self, wrap: impl FnOnce(A) -> B) -> ProblemOnParseError<B> {
        ProblemOnParseError { accept: wrap(self.accept), writer: self.writer }
    }
}

impl<A, S> Accept<TcpStream, S> for ProblemOnParseError<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
    A::Stream: 'static,
    A::Service: 'static,
{
    type Stream = ProblemStream<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let writer = Arc::clone(&self.writer);
        let wrap = |stream| ProblemStream { stream, writer, pending: Bytes::new() };
        self.accept.accept(stream, service).map_ok(|(stream, service)| (wrap(stream), service)).boxed()
    }
}

impl ProblemWriter {
    /// Returns the whole response, with the `date` of the bare one.
    fn response(&self, status: StatusCode, date: &str) -> Vec<u8> {
        let problem = match status {
            StatusCode::URI_TOO_LONG => request_limits::uri_too_long(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => request_limits::headers_too_large(),
            _ => Problem::new(
                ProblemCode::MalformedRequest,
                "The request line or a header is malformed. Check what the client sends.",
            ),
        };
        let request_id = self.random.id(self.clock.now()).to_string();
        tracing::info!(status = status.as_u16(), request_id, "unparsable request rejected");
        metrics::counter!("fintrac_unparsable_requests_total", "status" => status.as_str().to_owned())
            .increment(1);
        let language = Language::default();
        let mut head =
            format!("HTTP/1.1 {status}\r\ndate: {date}\r\nconnection: close\r\nx-request-id: {request_id}");
        let body = ProblemDetails::new(problem, &language, String::new(), request_id);
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let headers = [
            (CONTENT_TYPE, "application/problem+json"),
            (CONTENT_LANGUAGE, &language.code()),
            (CONTENT_LENGTH, &body.len().to_string()),
            (CACHE_CONTROL, "no-store"),
        ];
        for (name, value) in headers.into_iter().chain(SECURITY_HEADERS) {
            head.extend(["\r\n", name.as_str(), ": ", value]);
        }
        head.push_str(HEAD_END);
        [head.into_bytes(), body].concat()
    }
}

/// Splits off a response of hyper's own at the end of `bytes`.
/// Returns the bytes before it, its status and its date.
fn parse_bare_response(bytes: &[u8]) -> Option<(&[u8], StatusCode, &str)> {
    let bytes = bytes.strip_suffix(HEAD_END.as_bytes())?;
    let (bytes, date) = bytes.split_at(bytes.len().checked_sub(DATE_LENGTH)?);
    let bytes = bytes.strip_suffix(BARE_HEADERS.as_bytes())?;
    let (status, line) = STATUS_LINES.iter().find(|(_, line)| bytes.ends_with(line.as_bytes()))?;
    Some((bytes.strip_suffix(line.as_bytes())?, *status, str::from_utf8(date).ok()?))
}

/// A connection on which hyper's bare responses become problems.
pub struct ProblemStream<T> {
    stream: T,
    writer: Arc<ProblemWriter>,
    /// Bytes to write before anything else.
    pending: Bytes,
}

impl<T: AsyncWrite + Unpin> ProblemStream<T> {
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending = self.pending.slice(written..);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ProblemStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ProblemStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(context))?;
        let Some((before, status, date)) = parse_bare_response(bytes) else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        self.pending = [before, &self.writer.response(status, date)].concat().into();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Headers without a body are a single part.
        if let [bytes] = parts {
            return self.poll_write(context, bytes);
        }
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
