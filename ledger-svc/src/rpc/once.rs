//! Requests that may come twice: the key, and the kept answer.
//!
//! The gateway says in metadata which REST call the key was for and what body
//! came with it; of a program that calls directly it is the RPC and its message.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_kit::access::Caller;
use fintrac_kit::idempotency::Key;
use fintrac_kit::transport::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION, REPLAYED};
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::domain::posting::Outcome;
use crate::error::Error;
use crate::posting::Answer;
use crate::service::By;

/// The key of `request`, if it has one; `rpc` names the call.
pub fn key<T: Message>(request: &Request<T>, by: &By, rpc: &str) -> Result<Option<Key>, Error> {
    let metadata = request.metadata();
    let Some(key) = metadata.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::KeyInvalid);
    }
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    let from_part = Caller::of(request).service.is_some();
    let told = text(OPERATION).zip(text(FINGERPRINT).and_then(fingerprint)).filter(|_| from_part);
    let (operation, fingerprint) = match told {
        Some((operation, fingerprint)) => (operation.to_owned(), fingerprint),
        None => (rpc.to_owned(), Sha256::digest(request.get_ref().encode_to_vec()).into()),
    };
    let (household_id, user_id) = (by.principal.household_id, by.principal.user_id);
    Ok(Some(Key { household_id, user_id, operation, key: key.to_owned(), fingerprint }))
}

/// 32 bytes in base64url.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// The answer to the caller: made now, or the kept one byte for byte.
pub fn answer<R: Message + Default>(
    answer: Answer,
    fresh: impl Fn(&Outcome) -> R,
) -> Result<Response<R>, Status> {
    match answer {
        Answer::Fresh(outcome) => Ok(Response::new(fresh(&outcome))),
        Answer::Replayed(reply) => replayed(&reply),
    }
}

/// A kept answer, marked as one.
pub fn replayed<R: Message + Default>(reply: &[u8]) -> Result<Response<R>, Status> {
    let reply = R::decode(reply).map_err(|error| fintrac_kit::error::internal(&error))?;
    let mut response = Response::new(reply);
    response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
    Ok(response)
}
