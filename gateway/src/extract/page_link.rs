use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::LINK;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};

/// The URI of a list request, from which the link to the next page is built.
#[derive(Debug, Clone)]
pub struct PageLink(String);

impl<S: Send + Sync> FromRequestParts<S> for PageLink {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let kept = uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("page_token"));
        let query: Vec<_> = kept.collect();
        Ok(Self(format!("{}?{}", uri.path().trim_end_matches('/'), query.join("&"))))
    }
}

impl PageLink {
    /// Returns `Link: <…>; rel="next"` if there is a next page.
    pub fn next(&self, token: Option<&str>) -> Option<[(HeaderName, HeaderValue); 1]> {
        let and = if self.0.ends_with('?') { "" } else { "&" };
        let link = format!("<{}{and}page_token={}>; rel=\"next\"", self.0, token?);
        Some([(LINK, HeaderValue::from_str(&link).ok()?)])
    }
}
