//! The authorization of each call.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use fintrac_proto::Access;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use kit_core::clock::Clock;
use kit_core::context::{self, Client};
use kit_core::error::{ProblemCode, RpcError};
use kit_core::headers::{CLIENT_IP, LANGUAGE, SERVICE_CREDENTIAL, USER_AGENT};
use tonic::Status;

use super::caller::Caller;
use super::credential::ServiceKeys;
use super::token_verifier::TokenVerifier;

/// Paths that require no identity: health checks and reflection.
const UNAUTHENTICATED_PATHS: &[&str] = &["/grpc.health.v1.Health/", "/grpc.reflection."];

/// Decides which callers may call which RPCs of one service.
#[derive(Debug)]
pub struct Authorizer {
    service: String,
    keys: ServiceKeys,
    token_verifier: Arc<TokenVerifier>,
    clock: Clock,
    direct_rate_limit: DirectRateLimit,
}

/// The number of direct calls per minute and user; `None` means no limit.
#[derive(Debug, Clone, Copy)]
pub struct DirectRateLimit(pub Option<NonZeroU32>);

impl Default for DirectRateLimit {
    fn default() -> Self {
        Self(NonZeroU32::new(600))
    }
}

/// The identities of an authorized call.
pub struct AuthorizedCall {
    /// The service, the user, or both.
    pub caller: Caller,
    /// The user's access token, to forward to other services.
    pub access_token: Option<String>,
    /// The client that sent the request.
    pub client: Client,
    /// The access rules of the RPC; `None` if it requires no identity.
    pub access: Option<&'static Access>,
}

impl Authorizer {
    /// Creates the authorizer of `service`.
    pub fn new(service: &str, keys: ServiceKeys, token_verifier: Arc<TokenVerifier>, clock: Clock) -> Self {
        Self {
            service: service.to_owned(),
            keys,
            token_verifier,
            clock,
            direct_rate_limit: DirectRateLimit::default(),
        }
    }

    /// Sets the rate limit of direct calls.
    #[must_use]
    pub fn with_direct_rate_limit(self, direct_rate_limit: DirectRateLimit) -> Self {
        Self { direct_rate_limit, ..self }
    }

    /// Returns the rate limit of direct calls.
    pub fn direct_rate_limit(&self) -> DirectRateLimit {
        self.direct_rate_limit
    }

    /// Authorizes a call; `peer` is the remote address of its connection, if any.
    pub fn authorize(
        &self,
        path: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<AuthorizedCall, Status> {
        if UNAUTHENTICATED_PATHS.iter().any(|open| path.starts_with(open)) {
            let (access_token, client) = (None, Client::default());
            return Ok(AuthorizedCall { caller: Caller::default(), access_token, client, access: None });
        }
        let access = fintrac_proto::access(path).ok_or_else(|| Status::unimplemented("no such method"))?;
        let service = self.authenticate_service(access, headers)?;
        let client = match service {
            Some(_) => forwarded_client(headers),
            None => Client { ip: peer, ..Client::default() },
        };
        let access_token = bearer_token(headers).map(str::to_owned);
        let principal = match (&access_token, access.user) {
            (Some(token), true) => Some(self.token_verifier.verify(token, client.ip)?),
            (None, true) => {
                return Err(ProblemCode::TokenMissing.into());
            }
            (_, false) => None,
        };
        if let Some(principal) = &principal {
            let request_id = context::current().unwrap_or_default().request_id;
            self.token_verifier.require_permissions(principal, access.permissions, &client, &request_id)?;
        }
        let caller = Caller { service, principal };
        Ok(AuthorizedCall { caller, access_token, client, access: Some(access) })
    }

    /// Authenticates the calling service; `None` is a direct call of a user.
    fn authenticate_service(&self, access: &Access, headers: &HeaderMap) -> Result<Option<String>, Status> {
        let Some(credential) = headers.get(SERVICE_CREDENTIAL) else {
            if access.direct {
                return Ok(None);
            }
            return Err(ProblemCode::CredentialMissing.into());
        };
        let credential = credential.to_str().unwrap_or_default();
        let Some(caller) = self.keys.verify(credential, &self.service, &self.clock) else {
            return Err(ProblemCode::CredentialInvalid.into());
        };
        if !access.callers.contains(&caller.as_str()) {
            let message = format!("{caller} is not allowed to make this call.");
            return Err(RpcError::new(ProblemCode::CallerNotAdmitted, message).into());
        }
        Ok(Some(caller))
    }
}

/// Returns the token of `Authorization: Bearer …`; the scheme may be in any case.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn forwarded_client(headers: &HeaderMap) -> Client {
    let text = |name| {
        let bytes = headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    Client { ip: text(CLIENT_IP).parse().ok(), user_agent: text(USER_AGENT), language: text(LANGUAGE) }
}
