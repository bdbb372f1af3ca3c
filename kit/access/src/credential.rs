//! Service credentials: short-lived HS256 tokens, one key per edge.
//!
//! An edge is a pair of caller and callee. Its key is `HMAC-SHA256(secret, "caller>callee")`. A
//! process that has only the keys of its own edges cannot act in the name of other services.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kit_core::clock::Clock;
use kit_core::key_derivation::derive_key;
use serde::{Deserialize, Serialize};

/// The lifetime of a credential; it is reused for half of this time.
const LIFETIME_SECONDS: i64 = 60;
/// The tolerated difference between clocks.
const LEEWAY_SECONDS: i64 = 10;

/// The keys of the edges that this process uses.
#[derive(Clone)]
pub enum ServiceKeys {
    /// The secret from which the key of every edge is derived.
    Secret(Arc<[u8]>),
    /// The keys of single edges, by "caller>callee".
    Edges(Arc<HashMap<String, [u8; 32]>>),
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret"),
            Self::Edges(edges) => f.debug_set().entries(edges.keys()).finish(),
        }
    }
}

impl ServiceKeys {
    /// Creates keys that are derived from `secret`.
    pub fn from_secret(secret: &str) -> Self {
        Self::Secret(Arc::from(secret.as_bytes()))
    }

    /// Parses `caller>callee=base64url(key),…`; returns `None` if it is malformed.
    pub fn parse_edges(text: &str) -> Option<Self> {
        let edges = text.split(',').map(|entry| {
            let (edge, key) = entry.trim().split_once('=')?;
            edge.split_once('>')?;
            Some((edge.to_owned(), BASE64.decode(key.trim_end_matches('=')).ok()?.try_into().ok()?))
        });
        edges.collect::<Option<_>>().map(|edges| Self::Edges(Arc::new(edges)))
    }

    fn key(&self, caller: &str, callee: &str) -> Option<[u8; 32]> {
        let edge = format!("{caller}>{callee}");
        match self {
            Self::Secret(secret) => Some(derive_key(secret, edge.as_bytes())),
            Self::Edges(edges) => edges.get(&edge).copied(),
        }
    }

    /// Returns the keys of `service` as caller and as callee.
    /// The form is the one that [`Self::parse_edges`] reads.
    pub fn edges_for(&self, service: &str) -> String {
        let mut edges = BTreeSet::new();
        for access in fintrac_proto::ACCESS {
            let callee = access.path.strip_prefix("/fintrac.").and_then(|path| path.split('.').next());
            // Event logs and exports are read along edges that other calls use too.
            let Some(callee) = callee.filter(|callee| !["events", "common"].contains(callee)) else {
                continue;
            };
            let service_edges =
                access.callers.iter().filter(|caller| **caller == service || callee == service);
            edges.extend(service_edges.map(|caller| (*caller, callee)));
        }
        let entry = |(caller, callee): (&str, &str)| {
            Some(format!("{caller}>{callee}={}", BASE64.encode(self.key(caller, callee)?)))
        };
        edges.into_iter().filter_map(entry).collect::<Vec<_>>().join(",")
    }

    /// Returns the issuer of the credentials of `caller` for `callee`.
    pub fn issuer(&self, caller: &str, callee: &str, clock: &Clock) -> Issuer {
        Issuer {
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            key: self.key(caller, callee),
            clock: clock.clone(),
            last: Arc::default(),
        }
    }

    /// Returns the caller that `credential` proves to `callee`, if it is valid.
    pub fn verify(&self, credential: &str, callee: &str, clock: &Clock) -> Option<String> {
        // The claimed name selects the key; only the signature proves the name.
        let claimed = credential.split('.').nth(1)?;
        let claimed: Claims = serde_json::from_slice(&BASE64.decode(claimed).ok()?).ok()?;
        let key = DecodingKey::from_secret(&self.key(&claimed.iss, callee)?);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.set_audience(&[callee]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        let claims = jsonwebtoken::decode::<Claims>(credential, &key, &validation).ok()?.claims;
        let now = clock.now().timestamp();
        (claims.iat - LEEWAY_SECONDS <= now && now < claims.exp + LEEWAY_SECONDS).then_some(claims.iss)
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// An issuer of the credentials of one edge.
#[derive(Clone)]
pub struct Issuer {
    caller: String,
    callee: String,
    key: Option<[u8; 32]>,
    clock: Clock,
    last: Arc<Mutex<Option<(i64, String)>>>,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({}>{})", self.caller, self.callee)
    }
}

impl Issuer {
    /// Returns the service that the credentials are for.
    pub fn callee(&self) -> &str {
        &self.callee
    }

    /// Returns a credential with at least half of its lifetime left.
    /// It is empty without the key of the edge.
    pub fn credential(&self) -> String {
        let Some(key) = self.key else { return String::new() };
        let now = self.clock.now().timestamp();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((issued, credential)) = last.as_ref()
            && (0..LIFETIME_SECONDS / 2).contains(&(now - issued))
        {
            return credential.clone();
        }
        let (iss, aud) = (self.caller.clone(), self.callee.clone());
        let claims = Claims { iss, aud, iat: now, exp: now + LIFETIME_SECONDS };
        let key = EncodingKey::from_secret(&key);
        let Ok(fresh) = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key) else {
            return String::new();
        };
        *last = Some((now, fresh.clone()));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use base64::Engine as _;
    use kit_core::clock::Clock;
    use kit_core::key_derivation::derive_key;

    use super::{BASE64, ServiceKeys};

    #[test]
    fn a_credential_is_valid_for_its_edge_and_its_minute_only() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let keys = ServiceKeys::from_secret("a secret of the system");
        let credential = keys.issuer("gateway", "auth", &clock).credential();
        assert_eq!(keys.verify(&credential, "auth", &clock).as_deref(), Some("gateway"));
        assert_eq!(keys.verify(&credential, "ledger", &clock), None);
        assert_eq!(ServiceKeys::from_secret("another").verify(&credential, "auth", &clock), None);
        clock.advance(TimeDelta::seconds(71));
        assert_eq!(keys.verify(&credential, "auth", &clock), None);
    }

    #[test]
    fn a_service_gets_the_keys_of_its_own_edges() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let all = ServiceKeys::from_secret("a secret of the system");
        let ledger = ServiceKeys::parse_edges(&all.edges_for("ledger")).expect("edges");
        let credential =
            |keys: &ServiceKeys, caller, callee| keys.issuer(caller, callee, &clock).credential();
        assert_eq!(
            all.verify(&credential(&ledger, "ledger", "auth"), "auth", &clock).as_deref(),
            Some("ledger")
        );
        let from_gateway = credential(&all, "gateway", "ledger");
        assert_eq!(ledger.verify(&from_gateway, "ledger", &clock).as_deref(), Some("gateway"));
        assert_eq!(credential(&ledger, "gateway", "auth"), "", "it cannot act as another service");
        assert_eq!(credential(&ledger, "gateway", "budget"), "");
        assert!(all.edges_for("gateway").contains("gateway>notify="));
    }

    #[test]
    fn a_process_with_one_edge_cannot_act_as_another_caller() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let all = ServiceKeys::from_secret("a secret of the system");
        let key = BASE64.encode(derive_key(b"a secret of the system", b"budget>ledger"));
        let budget = ServiceKeys::parse_edges(&format!("budget>ledger={key}")).expect("edges");
        let honest = budget.issuer("budget", "ledger", &clock).credential();
        assert_eq!(all.verify(&honest, "ledger", &clock).as_deref(), Some("budget"));
        assert!(budget.issuer("gateway", "ledger", &clock).credential().is_empty());
        // Signed with the key of this edge, in the name of another service.
        let body = BASE64.encode(r#"{"iss":"gateway","aud":"ledger","iat":0,"exp":60}"#);
        let parts: Vec<_> = honest.split('.').collect();
        assert_eq!(all.verify(&format!("{}.{body}.{}", parts[0], parts[2]), "ledger", &clock), None);
    }
}
