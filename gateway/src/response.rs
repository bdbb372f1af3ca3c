//! Responses of handlers.

use axum::Json;
use axum::http::header::{ETAG, LINK, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use fintrac_proto::rest::{Resource, Single};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{REPLAYED_HEADER, etag};
use crate::openapi::operation::{DocumentOutput, OperationDocument};
use crate::problem::Problem;

/// A resource with its version as `ETag`.
#[derive(Debug)]
pub struct Versioned<T> {
    pub resource: T,
    pub is_replayed: bool,
}

/// A created resource with its version and location.
#[derive(Debug)]
pub struct Created<T> {
    pub resource: T,
    /// The path of the list that contains the resource.
    pub list_path: String,
    pub is_replayed: bool,
}

/// A created entry without a version.
#[derive(Debug)]
pub struct Appended<T> {
    pub entry: T,
    /// The path of the entry, or of the list that contains it.
    pub location: String,
    pub is_replayed: bool,
}

/// A response without a body.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

/// A page of a list with the link to the next page.
#[derive(Debug)]
pub struct PageOf<T> {
    list: ListResponse<T>,
    /// The value of `Link`; `None` on the last page.
    link: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListResponse<T> {
    /// The entries of this page.
    pub data: Vec<T>,
    /// The token of the next page, to send as `page_token`; null on the last page.
    pub next_page_token: Option<String>,
}

impl<T> ListResponse<T> {
    /// Creates a page; an empty `token` marks the last one.
    pub fn new(data: Vec<T>, token: String) -> Self {
        Self { data, next_page_token: Some(token).filter(|token| !token.is_empty()) }
    }
}

impl<T> Versioned<T> {
    /// Takes the resource out of a response that is not stored.
    pub fn new<R: Single<Resource = T>>(response: tonic::Response<R>) -> Result<Self, Problem> {
        let resource = response.into_inner().into_resource().ok_or_else(Problem::internal)?;
        Ok(Self { resource, is_replayed: false })
    }
}

impl<T> PageOf<T> {
    /// Creates a page; `link` formats the link to the page of a token.
    pub fn new(list: ListResponse<T>, link: impl FnOnce(&str) -> String) -> Self {
        Self { link: list.next_page_token.as_deref().map(link), list }
    }
}

impl<T: Resource + Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let etag = [(ETAG, etag(self.resource.version()))];
        (etag, replayed(self.is_replayed), Json(self.resource)).into_response()
    }
}

impl<T: Resource + Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = format!("{}/{}", self.list_path, self.resource.id());
        let headers = [(LOCATION, location), (ETAG, etag(self.resource.version()))];
        (StatusCode::CREATED, headers, replayed(self.is_replayed), Json(self.resource)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Appended<T> {
    fn into_response(self) -> Response {
        let location = [(LOCATION, self.location)];
        (StatusCode::CREATED, location, replayed(self.is_replayed), Json(self.entry)).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: Serialize> IntoResponse for PageOf<T> {
    fn into_response(self) -> Response {
        let link = self.link.and_then(|link| HeaderValue::try_from(link).ok());
        (AppendHeaders(link.map(|link| (LINK, link))), Json(self.list)).into_response()
    }
}

/// Returns the header of a response that was stored for an earlier request with the same key.
fn replayed(is_replayed: bool) -> AppendHeaders<Option<(axum::http::HeaderName, &'static str)>> {
    AppendHeaders(is_replayed.then_some((REPLAYED_HEADER, "true")))
}

impl<T: ToSchema> DocumentOutput for Versioned<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response::<T>(200, &format!("The {}", words(&T::name())));
        operation.response_header("ETag", None);
    }
}

impl<T: ToSchema> DocumentOutput for Created<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response::<T>(201, &format!("The {}", words(&T::name())));
        operation.response_header("Location", None);
        operation.response_header("ETag", None);
    }
}

impl<T: ToSchema> DocumentOutput for Appended<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response::<T>(201, &format!("The {}", words(&T::name())));
        operation.response_header("Location", None);
    }
}

impl DocumentOutput for NoContent {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.empty_response(204, "The operation succeeded");
    }
}

impl<T: ToSchema> DocumentOutput for PageOf<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        let name = words(&T::name());
        let plural = match name.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{name}s"),
        };
        // A generic type does not add the schemas of its parameters.
        operation.add_schema::<T>(T::name().into_owned());
        let schema = format!("ListResponse_{}", T::name());
        operation.named_response::<ListResponse<T>>(200, &format!("A page of {plural}"), schema);
    }
}

/// The attribute documents the response.
impl DocumentOutput for StatusCode {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

/// The attribute documents the response.
impl<T> DocumentOutput for (StatusCode, Json<T>) {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

impl<T: ToSchema> DocumentOutput for Json<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response::<T>(200, &format!("The {}", words(&T::name())));
    }
}

/// Splits the name of a schema into lower-case words.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
