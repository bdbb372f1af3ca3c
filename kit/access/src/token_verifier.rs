//! Verifies access tokens within each process, without a call to auth-svc.
//!
//! The trust state consists of the public keys, the revoked sessions, the permissions of roles and
//! the IP rules. auth-svc's trust updates keep it current, with a heartbeat every 250 ms. If
//! updates stop, the last state stays valid for the grace period; after that no token is accepted.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use kit_core::clock::Clock;
use kit_core::context::Client;
use kit_core::error::{ProblemCode, RpcError, unavailable};
use moka::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tonic::Status;
use uuid::Uuid;

use super::caller::Principal;
use super::denied_calls::{DeniedCall, DeniedCallQueue, DeniedCallReceiver};
use super::ip_rules::{EnforcedIpRule, EnforcedIpRules};
use super::token::{self, Claims};

/// The tolerated difference between clocks.
const LEEWAY_SECONDS: i64 = 5;
/// The number of verified tokens to keep, so that each signature is checked once.
const TOKEN_CACHE_CAPACITY: u64 = 100_000;

/// The settings for the verification of tokens.
#[derive(Debug, Clone)]
pub struct TokenVerifierConfig {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// Time for which the last trust state stays valid without an update.
    pub grace_period: Duration,
    /// Secret for the legacy algorithm HS256; if set, Ed25519 tokens are rejected.
    pub hs256_secret: Option<SecretString>,
}

/// A change of the trust state; an empty change is a heartbeat.
#[derive(Debug, Clone, Default)]
pub struct TrustUpdate {
    /// All keys as (key id, Ed25519 public key) if they changed; else empty.
    pub keys: Vec<(String, [u8; 32])>,
    /// Newly revoked sessions, each with the time at which its last token expires.
    pub revoked: Vec<(Uuid, DateTime<Utc>)>,
    /// All roles with their permissions; `None` if they did not change.
    pub roles: Option<Vec<(String, Vec<String>)>>,
    /// All IP rules; `None` if they did not change.
    pub ip_rules: Option<Vec<EnforcedIpRule>>,
}

/// A verifier of access tokens, with the trust state and its age.
#[derive(Debug)]
pub struct TokenVerifier {
    config: TokenVerifierConfig,
    clock: Clock,
    hs256_key: Option<DecodingKey>,
    state: RwLock<TrustState>,
    verified: Cache<[u8; 32], Claims>,
    denied_calls: DeniedCallQueue,
}

#[derive(Debug, Default)]
struct TrustState {
    keys: HashMap<String, DecodingKey>,
    revoked: HashMap<Uuid, DateTime<Utc>>,
    roles: HashMap<String, BTreeSet<String>>,
    ip_rules: EnforcedIpRules,
    confirmed_at: Option<Instant>,
}

impl TokenVerifier {
    /// Creates a verifier, which is not ready until it receives a trust update.
    pub fn new(config: TokenVerifierConfig, clock: Clock) -> Self {
        let hs256_key = config
            .hs256_secret
            .as_ref()
            .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let (state, denied_calls) = (RwLock::default(), DeniedCallQueue::default());
        Self { config, clock, hs256_key, state, verified: Cache::new(TOKEN_CACHE_CAPACITY), denied_calls }
    }

    /// Returns the `iss` of the tokens that are accepted.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Replaces the trust state with a snapshot, but keeps the known revocations.
    pub fn apply_snapshot(&self, snapshot: TrustUpdate) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // A snapshot of a lagging replica must not remove a revocation.
        state.revoked.retain(|_, expires_at| *expires_at > now);
        self.set_keys(&mut state, &snapshot.keys);
        Self::apply(&mut state, snapshot);
    }

    /// Applies the changes since the previous update.
    pub fn apply_delta(&self, update: TrustUpdate) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !update.revoked.is_empty() {
            state.revoked.retain(|_, expires_at| *expires_at > now);
        }
        if !update.keys.is_empty() {
            self.set_keys(&mut state, &update.keys);
        }
        Self::apply(&mut state, update);
    }

    fn apply(state: &mut TrustState, update: TrustUpdate) {
        state.revoked.extend(update.revoked);
        if let Some(roles) = update.roles {
            state.roles = roles
                .into_iter()
                .map(|(name, permissions)| (name, permissions.into_iter().collect()))
                .collect();
        }
        if let Some(rules) = update.ip_rules {
            state.ip_rules = rules.into_iter().collect();
        }
        state.confirmed_at = Some(Instant::now());
    }

    fn set_keys(&self, state: &mut TrustState, keys: &[(String, [u8; 32])]) {
        // The decoding key of Ed25519 is the bare public key.
        state.keys = keys.iter().map(|(kid, key)| (kid.clone(), DecodingKey::from_ed_der(key))).collect();
        // The cache must not accept tokens of a removed key.
        self.verified.invalidate_all();
    }

    /// Returns whether the last trust update is recent enough to verify tokens.
    pub fn is_ready(&self) -> bool {
        self.state_age().is_some_and(|age| age <= self.config.grace_period)
    }

    fn state_age(&self) -> Option<Duration> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .confirmed_at
            .map(|confirmed_at| confirmed_at.elapsed())
    }

    /// Verifies `token`, which was sent from the address `ip`.
    /// Fails with UNAUTHENTICATED, with PERMISSION_DENIED if the IP rules deny `ip`, or with
    /// UNAVAILABLE if the last trust update is older than the grace period.
    pub fn verify(&self, token: &str, ip: Option<IpAddr>) -> Result<Principal, Status> {
        if !self.is_ready() {
            return Err(unavailable("Access tokens cannot be verified at the moment. Try again."));
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let claims = if let Some(claims) = self.verified.get(&digest) {
            claims
        } else {
            let claims = self.verify_uncached(token).ok_or_else(token_invalid)?;
            self.verified.insert(digest, claims.clone());
            claims
        };
        let now = self.clock.now().timestamp();
        if claims.iat - LEEWAY_SECONDS > now {
            return Err(token_invalid());
        }
        if now >= claims.exp {
            return Err(ProblemCode::TokenExpired.into());
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.revoked.contains_key(&claims.sid) {
            return Err(ProblemCode::SessionEnded.into());
        }
        if !state.ip_rules.allows_user(claims.sub, ip) {
            return Err(ip_address_denied());
        }
        let Claims { sub, sid, hh, roles, .. } = claims;
        Ok(Principal { user_id: sub, session_id: sid, household_id: hh, roles })
    }

    /// Checks that the IP rules for all users allow `ip`.
    pub fn check_ip(&self, ip: Option<IpAddr>) -> Result<(), Status> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ip_rules.allows(ip) { Ok(()) } else { Err(ip_address_denied()) }
    }

    /// Checks that the IP rules for this user and for all users allow `ip`.
    pub fn check_user_ip(&self, user_id: Uuid, ip: Option<IpAddr>) -> Result<(), Status> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ip_rules.allows_user(user_id, ip) { Ok(()) } else { Err(ip_address_denied()) }
    }

    /// Checks that the user's roles have each of `permissions`.
    /// A rejection is reported to auth-svc.
    pub fn require_permissions(
        &self,
        principal: &Principal,
        permissions: &[&'static str],
        client: &Client,
        request_id: &str,
    ) -> Result<(), Status> {
        let Some(permission) =
            permissions.iter().find(|permission| !self.has_permission(principal, permission))
        else {
            return Ok(());
        };
        self.denied_calls.push(DeniedCall {
            user_id: principal.user_id,
            session_id: principal.session_id,
            permission,
            client: client.clone(),
            request_id: request_id.to_owned(),
            denied_at: self.clock.now(),
        });
        let message = format!(
            "The operation requires the permission {permission}. Ask an administrator for a role that has it."
        );
        Err(RpcError::new(ProblemCode::PermissionDenied, message).into())
    }

    /// Returns whether one of the user's roles has `permission`.
    /// Used to omit data that the user may not read; unlike a rejected call, this is not reported.
    pub fn has_permission(&self, principal: &Principal, permission: &str) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        principal
            .roles
            .iter()
            .any(|role| state.roles.get(role).is_some_and(|permissions| permissions.contains(permission)))
    }

    /// Takes the receiver of denied calls; `None` if it was taken before.
    pub fn take_denied_calls(&self) -> Option<DeniedCallReceiver> {
        self.denied_calls.take_receiver()
    }

    fn verify_uncached(&self, token: &str) -> Option<Claims> {
        let header = token::parse_header(token)?;
        match (header.algorithm, header.kid, &self.hs256_key) {
            (Algorithm::HS256, None, Some(key)) => {
                token::verify(token, key, Algorithm::HS256, &self.config.issuer)
            }
            (Algorithm::EdDSA, Some(kid), None) => {
                let key = self.state.read().unwrap_or_else(PoisonError::into_inner).keys.get(&kid)?.clone();
                token::verify(token, &key, Algorithm::EdDSA, &self.config.issuer)
            }
            _ => None,
        }
    }
}

fn token_invalid() -> Status {
    ProblemCode::TokenInvalid.into()
}

fn ip_address_denied() -> Status {
    ProblemCode::IpAddressDenied.into()
}
