use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use fintrac_proto::rest::Page;

use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::response::{ListResponse, PageOf};

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

impl DocumentInput for PageLink {
    fn document(operation: &mut OperationDocument<'_>) {
        let text = "The URL of the next page with rel=\"next\"; absent on the last page";
        operation.response_header("Link", Some(text));
    }
}

impl PageLink {
    /// Responds with a page of a service.
    pub fn page<P: Page>(&self, response: tonic::Response<P>) -> PageOf<P::Item> {
        let (items, token) = response.into_inner().into_parts();
        PageOf::new(ListResponse::new(items, token), |token| self.to_next(token))
    }

    fn to_next(&self, token: &str) -> String {
        let and = if self.0.ends_with('?') { "" } else { "&" };
        format!("<{}{and}page_token={token}>; rel=\"next\"", self.0)
    }
}
