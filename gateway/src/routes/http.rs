//! Forms that several resources share.

use chrono::{DateTime, Utc};
use fintrac_kit::transport::NoDeadline;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListResponse<T> {
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_page_token: Option<String>,
}

impl<T> ListResponse<T> {
    /// `token` is empty on the last page.
    pub fn new<P: Into<T>>(rows: Vec<P>, token: String) -> Self {
        Self {
            data: rows.into_iter().map(Into::into).collect(),
            next_page_token: Some(token).filter(|token| !token.is_empty()),
        }
    }
}

/// The instant of a proto timestamp.
pub fn to_datetime(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// A request whose answer may stream for as long as it takes.
pub fn without_deadline<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(NoDeadline);
    request
}

/// A strong tag of what a client may edit.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
