//! The identity that a handler sees.

use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::context::{self, Client};
use crate::error::RpcError;

/// A verified user and his session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub user_id: Uuid,
    pub session_id: Uuid,
    /// The one household that the token is bound to.
    pub household_id: Uuid,
    pub roles: Vec<String>,
}

/// Who calls an RPC: a service, a user, or a service for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    pub service: Option<String>,
    pub principal: Option<Principal>,
}

/// Whence a state change came, as events and audit record it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// User id or service.
    pub actor: String,
    pub client: Client,
    pub request_id: String,
}

/// A user who asks for something: whatever it is, it is of his household.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub principal: Principal,
    pub origin: RequestOrigin,
}

impl RequestContext {
    /// The user that the server stack found on the request.
    pub fn from_request<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = Caller::from_request(request);
        Ok(Self { principal: caller.user()?.clone(), origin: caller.origin() })
    }
}

impl Caller {
    /// The caller that the server stack put on the request.
    pub fn from_request<T>(request: &Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// The user; every RPC marked `user` has one.
    pub fn user(&self) -> Result<&Principal, Status> {
        self.principal.as_ref().ok_or_else(|| {
            RpcError::new(Code::Unauthenticated, "TOKEN_MISSING", "Log in and send the access token.").into()
        })
    }

    /// What events record of this call.
    pub fn origin(&self) -> RequestOrigin {
        let context = context::current().unwrap_or_default();
        let actor = match (&self.principal, &self.service) {
            (Some(principal), _) => principal.user_id.to_string(),
            (None, Some(service)) => service.clone(),
            (None, None) => String::new(),
        };
        RequestOrigin { actor, client: context.client, request_id: context.request_id }
    }
}
