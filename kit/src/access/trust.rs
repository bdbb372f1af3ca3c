//! What this process knows for verifying access tokens by itself: public keys
//! and revoked sessions, kept fresh by auth-svc's feed.
//!
//! The feed beats every 250 ms. While it is silent the last state stays in
//! force for the grace; after that nobody can be believed any more.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use moka::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tonic::{Code, Status};
use uuid::Uuid;

use super::caller::Principal;
use super::token::{self, Claims};
use crate::clock::Clock;
use crate::error::{Refusal, unavailable};

/// Difference of clocks that is forgiven, seconds.
const LEEWAY: i64 = 5;
/// Verified tokens kept, so that a signature is checked once.
const CACHED: u64 = 100_000;

/// How tokens are verified.
#[derive(Debug, Clone)]
pub struct TrustConfig {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// How long the last state stays in force while auth-svc is out of reach.
    pub grace: Duration,
    /// The legacy form: HS256 with this secret instead of Ed25519.
    pub hs256_secret: Option<SecretString>,
}

/// Keys, revocations, and when they were last confirmed.
#[derive(Debug)]
pub struct Trust {
    config: TrustConfig,
    clock: Clock,
    legacy: Option<DecodingKey>,
    state: RwLock<State>,
    verified: Cache<[u8; 32], Claims>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, DecodingKey>,
    revoked: HashMap<Uuid, DateTime<Utc>>,
    confirmed: Option<Instant>,
}

impl Trust {
    pub fn new(config: TrustConfig, clock: Clock) -> Self {
        let legacy = config
            .hs256_secret
            .as_ref()
            .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        Self { config, clock, legacy, state: RwLock::default(), verified: Cache::new(CACHED) }
    }

    /// The `iss` of the tokens that are believed.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Takes over all keys (key id, Ed25519 public key) and adds revocations
    /// (session, when to forget it).
    pub fn replace(
        &self,
        keys: &[(String, [u8; 32])],
        revoked: impl IntoIterator<Item = (Uuid, DateTime<Utc>)>,
    ) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // A snapshot may come from a replica that is behind: nothing is unrevoked by it.
        state.revoked.retain(|_, forget_at| *forget_at > now);
        state.revoked.extend(revoked);
        state.confirmed = Some(Instant::now());
        self.set_keys(&mut state, keys);
    }

    /// Adds what is new; no keys means the same keys. With nothing at all it is the heartbeat.
    pub fn extend(
        &self,
        keys: &[(String, [u8; 32])],
        revoked: impl IntoIterator<Item = (Uuid, DateTime<Utc>)>,
    ) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.revoked.len();
        state.revoked.extend(revoked);
        if state.revoked.len() > before {
            state.revoked.retain(|_, forget_at| *forget_at > now);
        }
        state.confirmed = Some(Instant::now());
        if !keys.is_empty() {
            self.set_keys(&mut state, keys);
        }
    }

    fn set_keys(&self, state: &mut State, keys: &[(String, [u8; 32])]) {
        // The decoding key of Ed25519 is the bare public key.
        state.keys = keys.iter().map(|(kid, key)| (kid.clone(), DecodingKey::from_ed_der(key))).collect();
        // A key that was taken away must not live on in the cache.
        self.verified.invalidate_all();
    }

    /// Whether tokens can be verified: the feed has spoken within the grace.
    pub fn is_known(&self) -> bool {
        self.age().is_some_and(|age| age <= self.config.grace)
    }

    fn age(&self) -> Option<Duration> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).confirmed.map(|at| at.elapsed())
    }

    /// Whom `token` proves; else UNAUTHENTICATED, or UNAVAILABLE when the last
    /// word from auth-svc is older than the grace.
    pub fn verify(&self, token: &str) -> Result<Principal, Status> {
        if !self.is_known() {
            return Err(unavailable("Access tokens cannot be checked right now; try again in a moment."));
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let claims = if let Some(claims) = self.verified.get(&digest) {
            claims
        } else {
            let claims = self.check(token).ok_or_else(invalid)?;
            self.verified.insert(digest, claims.clone());
            claims
        };
        let now = self.clock.now().timestamp();
        if claims.iat - LEEWAY > now {
            return Err(invalid());
        }
        if now >= claims.exp {
            return Err(refused("TOKEN_EXPIRED", "The access token has expired; refresh it."));
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.revoked.contains_key(&claims.sid) {
            return Err(refused("SESSION_ENDED", "The session has ended; log in again."));
        }
        let Claims { sub, sid, hh, roles, .. } = claims;
        Ok(Principal { user_id: sub, session_id: sid, household_id: hh, roles })
    }

    fn check(&self, token: &str) -> Option<Claims> {
        let outline = token::outline(token)?;
        match (outline.algorithm, outline.kid, &self.legacy) {
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

fn invalid() -> Status {
    refused("TOKEN_INVALID", "The access token is not valid; log in again.")
}

fn refused(reason: &'static str, message: &str) -> Status {
    Refusal::new(Code::Unauthenticated, reason, message).into()
}
