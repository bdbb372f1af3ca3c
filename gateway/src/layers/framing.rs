//! Rejects requests that the gateway and a proxy could parse differently.
//! These have no `Host` header or several, or a `Transfer-Encoding` other than a single `chunked`
//! (RFC 9112, §3.2 and §6.1).

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use kit_core::error::ProblemCode;

use crate::problem::Problem;

pub async fn reject_ambiguous(request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(Authority::as_str);
    let ambiguity = ambiguity(request.version(), authority, request.headers());
    match ambiguity {
        Some(detail) => Problem::new(ProblemCode::MalformedRequest, detail).into_response(),
        None => next.run(request).await,
    }
}

fn ambiguity(version: Version, authority: Option<&str>, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Some("The request must have only one Host header."),
        (None, None) if authority.is_none() && version == Version::HTTP_11 => {
            return Some("The request must have a Host header.");
        }
        // HTTP/2 carries the host in `:authority`; a Host header must not contradict it.
        (Some(host), None) if version >= Version::HTTP_2 => {
            if authority.is_some_and(|authority| !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
            {
                return Some("Host and :authority must be equal. Send only one of them.");
            }
        }
        (Some(_) | None, None) => {}
    }
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => None,
        (Some(_), _) if headers.contains_key(CONTENT_LENGTH) => {
            Some("The request must not have both Content-Length and Transfer-Encoding. Send one of them.")
        }
        (Some(encoding), None) if encoding.as_bytes().eq_ignore_ascii_case(b"chunked") => None,
        _ => Some("Transfer-Encoding must be chunked and sent once."),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Version};

    use super::ambiguity;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .fold(HeaderMap::new(), |mut all, (name, value)| {
                all.append(name, value);
                all
            })
    }

    #[test]
    fn ambiguous_framing_is_rejected() {
        let (host, chunked) = (("host", "a.example"), ("transfer-encoding", "chunked"));
        let one = |lines: &[_]| ambiguity(Version::HTTP_11, None, &headers(lines)).is_some();
        assert!(one(&[]), "no host");
        assert!(one(&[host, host]), "two hosts");
        assert!(one(&[host, ("host", "b.example")]));
        assert!(one(&[host, chunked, chunked]));
        assert!(one(&[host, chunked, ("content-length", "5")]));
        assert!(one(&[host, ("transfer-encoding", "gzip, chunked")]));
        assert!(one(&[host, ("transfer-encoding", "identity"), chunked]));
        assert!(!one(&[host]) && !one(&[host, chunked]) && !one(&[host, ("transfer-encoding", "Chunked")]));
        assert!(ambiguity(Version::HTTP_10, None, &headers(&[])).is_none(), "HTTP/1.0 needs no host");
        let two = |authority, lines: &[_]| ambiguity(Version::HTTP_2, authority, &headers(lines)).is_some();
        assert!(!two(Some("a.example"), &[]) && !two(Some("A.example"), &[host]) && !two(None, &[host]));
        assert!(two(Some("b.example"), &[host]));
    }
}
