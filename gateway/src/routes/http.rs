//! Types and functions that several resources share.

use chrono::{DateTime, Utc};
use fintrac_kit::transport::NoDeadline;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListResponse<T> {
    /// The entries of this page.
    pub data: Vec<T>,
    /// The token of the next page, to send as `page_token`; null on the last page.
    pub next_page_token: Option<String>,
}

impl<T> ListResponse<T> {
    /// Creates a page from `rows`; an empty `token` marks the last page.
    pub fn new<P: Into<T>>(rows: Vec<P>, token: String) -> Self {
        Self {
            data: rows.into_iter().map(Into::into).collect(),
            next_page_token: Some(token).filter(|token| !token.is_empty()),
        }
    }
}

/// Converts a proto timestamp; `None` if it is out of range.
pub fn to_datetime(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// Creates a request without a deadline, for responses that are streamed.
pub fn without_deadline<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(NoDeadline);
    request
}

/// Formats the version of a resource as a strong entity tag.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
