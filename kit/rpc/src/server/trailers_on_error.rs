//! A response body that obeys the stack while it streams.
//!
//! A panic or a passed deadline ends it with a status in its trailers, on both transports.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::panic;

pub(super) struct TrailersOnError {
    inner: Body,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl TrailersOnError {
    pub fn new(inner: Body, deadline: Option<Instant>) -> Self {
        Self { inner, deadline: deadline.map(|instant| Box::pin(sleep_until(instant))), ended: false }
    }

    fn end(&mut self, status: &Status) -> Poll<Option<Result<Frame<<Body as HttpBody>::Data>, Status>>> {
        self.ended = true;
        self.inner = Body::empty();
        let mut trailers = http::HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }
}

impl HttpBody for TrailersOnError {
    type Data = <Body as HttpBody>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return self.end(&Status::deadline_exceeded("deadline passed"));
        }
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.inner).poll_frame(context))) {
            Ok(polled) => polled,
            Err(_panic) => self.end(&panic::status()),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
