use std::ops::Deref;

use kit_access::RequestContext;
use kit_db::idempotency::Key;
use prost::Message;
use tonic::{Request, Status};

use crate::idempotency;

/// The context of a request that writes: its user and its idempotency key.
///
/// `T` is the result of the use case, whose encoded response is stored for the key.
#[derive(Debug, Clone)]
pub struct WriteContext<T> {
    /// The user and the origin of the changes.
    pub request: RequestContext,
    /// The idempotency key, if the client sent one.
    pub key: Option<Key>,
    /// The encoder of the stored response.
    pub encode: fn(&T) -> Vec<u8>,
}

impl<T> WriteContext<T> {
    /// Reads the context of `request`, to which `R` is the response.
    pub fn from_request<M: Message, R>(request: &Request<M>) -> Result<Self, Status>
    where
        R: Message + for<'a> From<&'a T>,
    {
        let ctx = RequestContext::from_request(request)?;
        let key = idempotency::key(request, &ctx)?;
        Ok(Self { request: ctx, key, encode: |value| R::from(value).encode_to_vec() })
    }
}

impl<T> Deref for WriteContext<T> {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.request
    }
}
