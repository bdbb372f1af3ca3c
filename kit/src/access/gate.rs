//! The decision for one call.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use fintrac_proto::Access;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::{Code, Status};

use super::caller::Caller;
use super::credential::ServiceKeys;
use super::trust::Trust;
use crate::clock::Clock;
use crate::context::{self, Client};
use crate::error::Refusal;
use crate::transport::{CLIENT_IP, LANGUAGE, SERVICE_CREDENTIAL, USER_AGENT};

/// Paths that need no identity: probes and reflection.
const OPEN: &[&str] = &["/grpc.health.v1.Health/", "/grpc.reflection."];

/// Decides for one service who may call what.
#[derive(Debug)]
pub struct Gate {
    service: String,
    keys: ServiceKeys,
    trust: Arc<Trust>,
    clock: Clock,
    direct_rate: DirectRate,
}

/// Calls a minute that a user may make past the gateway; none: any number.
#[derive(Debug, Clone, Copy)]
pub struct DirectRate(pub Option<NonZeroU32>);

impl Default for DirectRate {
    fn default() -> Self {
        Self(NonZeroU32::new(600))
    }
}

/// What the gate found out about an admitted call.
pub(crate) struct Admitted {
    pub caller: Caller,
    pub access_token: Option<String>,
    pub client: Client,
}

impl Gate {
    /// The gate of `service`.
    pub fn new(service: &str, keys: ServiceKeys, trust: Arc<Trust>, clock: Clock) -> Self {
        Self { service: service.to_owned(), keys, trust, clock, direct_rate: DirectRate::default() }
    }

    /// The same with another rate of direct calls.
    #[must_use]
    pub fn with_direct_rate(self, direct_rate: DirectRate) -> Self {
        Self { direct_rate, ..self }
    }

    pub(crate) fn direct_rate(&self) -> DirectRate {
        self.direct_rate
    }

    /// `peer` is the address at the other end of the connection, if there is one.
    pub(crate) fn admit(
        &self,
        path: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<Admitted, Status> {
        if OPEN.iter().any(|open| path.starts_with(open)) {
            let (access_token, client) = (None, Client::default());
            return Ok(Admitted { caller: Caller::default(), access_token, client });
        }
        let access = fintrac_proto::access(path).ok_or_else(|| Status::unimplemented("no such method"))?;
        let service = self.service(access, headers)?;
        let client = match service {
            Some(_) => forwarded(headers),
            None => Client { ip: peer, ..Client::default() },
        };
        let access_token = bearer(headers).map(str::to_owned);
        let principal = match (&access_token, access.user) {
            (Some(token), true) => Some(self.trust.verify(token, client.ip)?),
            (None, true) => {
                let message = "Log in and send the access token.";
                return Err(Refusal::new(Code::Unauthenticated, "TOKEN_MISSING", message).into());
            }
            (_, false) => None,
        };
        if let Some(principal) = &principal {
            let request_id = context::current().unwrap_or_default().request_id;
            self.trust.permit(principal, access.permissions, &client, &request_id)?;
        }
        Ok(Admitted { caller: Caller { service, principal }, access_token, client })
    }

    /// The calling part; none is admitted where a user may come alone.
    fn service(&self, access: &Access, headers: &HeaderMap) -> Result<Option<String>, Status> {
        let Some(credential) = headers.get(SERVICE_CREDENTIAL) else {
            if access.direct {
                return Ok(None);
            }
            let message = "This call is for parts of the suite; send a service credential.";
            return Err(Refusal::new(Code::Unauthenticated, "CREDENTIAL_MISSING", message).into());
        };
        let credential = credential.to_str().unwrap_or_default();
        let Some(caller) = self.keys.verify(credential, &self.service, &self.clock) else {
            let message = "The service credential is not valid.";
            return Err(Refusal::new(Code::Unauthenticated, "CREDENTIAL_INVALID", message).into());
        };
        if !access.callers.contains(&caller.as_str()) {
            let message = format!("{caller} may not make this call.");
            return Err(Refusal::new(Code::PermissionDenied, "CALLER_NOT_ADMITTED", message).into());
        }
        Ok(Some(caller))
    }
}

/// The token of `Authorization: Bearer …`; the scheme in any letter case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn forwarded(headers: &HeaderMap) -> Client {
    let text = |name| {
        let bytes = headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    Client { ip: text(CLIENT_IP).parse().ok(), user_agent: text(USER_AGENT), language: text(LANGUAGE) }
}
