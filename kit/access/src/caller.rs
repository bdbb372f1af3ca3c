//! The identity of a caller, as a handler receives it.

use kit_core::context::{self, Client};
use kit_core::error::ProblemCode;
use tonic::{Request, Status};
use uuid::Uuid;

/// A verified user with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Id of the user.
    pub user_id: Uuid,
    /// Id of the session.
    pub session_id: Uuid,
    /// The one household that the token is bound to.
    pub household_id: Uuid,
    /// Names of the user's roles.
    pub roles: Vec<String>,
}

/// The caller of an RPC: a service, a user, or a service on behalf of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Name of the calling service; `None` for a direct call.
    pub service: Option<String>,
    /// The user; `None` if the service does not act on behalf of a user.
    pub principal: Option<Principal>,
}

/// The origin of a state change, as events and the audit log record it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// Id of the user, or name of the service.
    pub actor: String,
    /// The client that sent the request.
    pub client: Client,
    /// Id of the request.
    pub request_id: String,
}

/// The user of a request and the origin of the changes that it makes.
/// A request concerns the household of its user only.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The user.
    pub principal: Principal,
    /// Origin of the changes that the request makes.
    pub origin: RequestOrigin,
}

impl RequestContext {
    /// Returns the user and the origin that the server stack added to the request.
    pub fn from_request<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = Caller::from_request(request);
        Ok(Self { principal: caller.user()?.clone(), origin: caller.origin() })
    }
}

impl Caller {
    /// Returns the caller that the server stack added to the request.
    pub fn from_request<T>(request: &Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// Returns the user; fails with UNAUTHENTICATED without one.
    /// Every call of an RPC with `user` in its access rules has one.
    pub fn user(&self) -> Result<&Principal, Status> {
        self.principal.as_ref().ok_or_else(|| ProblemCode::TokenMissing.into())
    }

    /// Returns the origin that events record for this call.
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
