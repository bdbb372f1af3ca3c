//! The idempotency key of a call.
//!
//! The gateway sends the REST call that the key is for and the fingerprint of its body as metadata.
//! For a client that calls directly, they are the RPC and its message.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_proto::Access;
use kit_access::{Caller, RequestContext};
use kit_core::error::ProblemCode;
use kit_core::headers::{FINGERPRINT, IDEMPOTENCY_KEY, OPERATION};
use kit_db::idempotency::Key;
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::{Request, Status};

/// Returns the key of `request`, if it has one.
pub fn key<T: Message>(request: &Request<T>, ctx: &RequestContext) -> Result<Option<Key>, Status> {
    let metadata = request.metadata();
    let Some(key) = metadata.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ProblemCode::IdempotencyKeyInvalid.into());
    }
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    let from_service = Caller::from_request(request).service.is_some();
    let forwarded = text(OPERATION).zip(text(FINGERPRINT).and_then(fingerprint)).filter(|_| from_service);
    let (operation, fingerprint) = match forwarded {
        Some((operation, fingerprint)) => (operation.to_owned(), fingerprint),
        None => (rpc_name(request)?.to_owned(), Sha256::digest(request.get_ref().encode_to_vec()).into()),
    };
    let (household_id, user_id) = (ctx.principal.household_id, ctx.principal.user_id);
    Ok(Some(Key { household_id, user_id, operation, key: key.to_owned(), fingerprint }))
}

/// Returns the RPC, such as `GoalService/CreateGoal`.
/// The server stack adds its access rules to the request.
fn rpc_name<T>(request: &Request<T>) -> Result<&'static str, Status> {
    let access = request.extensions().get::<&'static Access>();
    access.and_then(|access| access.path.rsplit('.').next()).ok_or_else(|| ProblemCode::Internal.into())
}

/// Decodes 32 bytes in base64url.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use fintrac_proto::budget::v1 as pb;
    use kit_access::caller::RequestOrigin;
    use kit_access::{Principal, RequestContext};
    use kit_core::headers::IDEMPOTENCY_KEY;
    use tonic::Request;
    use uuid::Uuid;

    use super::key;

    #[test]
    fn the_key_of_a_direct_call_belongs_to_its_rpc() {
        let (user_id, household_id, session_id) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::nil());
        let principal = Principal { user_id, household_id, session_id, roles: Vec::new() };
        let ctx = RequestContext { principal, origin: RequestOrigin::default() };
        let operation = |path: &str| {
            let mut request = Request::new(pb::DeleteGoalRequest::default());
            request.metadata_mut().insert(IDEMPOTENCY_KEY, "k".parse().expect("a value"));
            request.extensions_mut().insert(fintrac_proto::access(path).expect("an RPC"));
            key(&request, &ctx).expect("valid").expect("a key").operation
        };
        assert_eq!(operation("/fintrac.budget.v1.GoalService/CreateGoal"), "GoalService/CreateGoal");
        assert_eq!(operation("/fintrac.budget.v1.GoalService/DeleteGoal"), "GoalService/DeleteGoal");
    }
}
