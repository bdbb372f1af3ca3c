//! Tests of the verification of access tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::TimeDelta;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use kit_access::EnforcedIpRule;
use kit_access::token::{AUDIENCE, Claims, sign};
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig, TrustUpdate};
use kit_core::clock::Clock;
use kit_core::context::Client;
use kit_core::error::reason;
use tonic::Code;
use uuid::Uuid;

use crate::support;

struct TokenIssuer {
    key: EncodingKey,
    public: [u8; 32],
}

fn issuer(seed: u8) -> TokenIssuer {
    let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let der = key.to_pkcs8_der().expect("PKCS 8");
    TokenIssuer { key: EncodingKey::from_ed_der(der.as_bytes()), public: key.verifying_key().to_bytes() }
}

fn claims() -> Claims {
    let now = support::start().timestamp();
    Claims {
        iss: "fintrac".into(),
        aud: AUDIENCE.into(),
        sub: Uuid::from_u128(1),
        sid: Uuid::from_u128(2),
        hh: Uuid::from_u128(3),
        roles: vec!["user".into()],
        iat: now,
        exp: now + 900,
    }
}

fn token(claims: &Claims, issuer: &TokenIssuer) -> String {
    sign(claims, &issuer.key, Algorithm::EdDSA, Some("k")).expect("a token")
}

fn keys(public: [u8; 32]) -> TrustUpdate {
    TrustUpdate { keys: vec![("k".into(), public)], ..TrustUpdate::default() }
}

fn revoked() -> TrustUpdate {
    let revoked = vec![(Uuid::from_u128(2), support::start() + TimeDelta::hours(1))];
    TrustUpdate { revoked, ..TrustUpdate::default() }
}

fn verifier_with_keys() -> (std::sync::Arc<TokenVerifier>, Clock, TokenIssuer) {
    let (clock, issuer) = (support::clock(), issuer(1));
    let token_verifier = support::token_verifier(&clock);
    token_verifier.apply_snapshot(keys(issuer.public));
    (token_verifier, clock, issuer)
}

fn rejection(token_verifier: &TokenVerifier, token: &str) -> Option<String> {
    token_verifier.verify(token, None).err().and_then(|status| reason(&status))
}

#[tokio::test]
async fn a_valid_token_identifies_user_session_and_household() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let principal = token_verifier.verify(&token(&claims(), &issuer), None).expect("a valid token");
    let ids = (principal.user_id, principal.session_id, principal.household_id);
    assert_eq!(ids, (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)));
}

#[tokio::test]
async fn forged_tokens_are_rejected() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    let parts: Vec<_> = good.split('.').collect();
    let with_header = |header: &str| format!("{}.{}.{}", BASE64.encode(header), parts[1], parts[2]);
    // A valid signature over a header that the forger chose.
    let signed_header = |header: &str| {
        use ed25519_dalek::Signer as _;
        let message = format!("{}.{}", BASE64.encode(header), parts[1]);
        let signature = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(message.as_bytes());
        format!("{message}.{}", BASE64.encode(signature.to_bytes()))
    };
    let public = EncodingKey::from_secret(&issuer.public);
    let mut forged = vec![
        ("empty", String::new()),
        ("not a JWT", "abc".into()),
        ("truncated", good[..good.len() - 10].into()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("alg none", with_header(r#"{"alg":"none","typ":"at+jwt","kid":"k"}"#)),
        (
            "HS256 with the public key",
            sign(&claims(), &public, Algorithm::HS256, Some("k")).expect("a token"),
        ),
        ("HS256 without a kid", sign(&claims(), &public, Algorithm::HS256, None).expect("a token")),
        ("another key", token(&claims(), &super::tokens::issuer(2))),
        ("unknown kid", sign(&claims(), &issuer.key, Algorithm::EdDSA, Some("../k")).expect("a token")),
        ("no kid", sign(&claims(), &issuer.key, Algorithm::EdDSA, None).expect("a token")),
        ("typ JWT", signed_header(r#"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#)),
        ("no typ", signed_header(r#"{"alg":"EdDSA","kid":"k"}"#)),
        ("crit", signed_header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","crit":["x"],"x":1}"#)),
        ("jku", signed_header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","jku":"https://evil.example"}"#)),
        ("jwk", signed_header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","jwk":{"kty":"OKP"}}"#)),
        ("huge", format!("{good}{}", "A".repeat(100_000))),
    ];
    let now = support::start().timestamp();
    for (name, claims) in [
        ("another issuer", Claims { iss: "evil".into(), ..claims() }),
        ("another audience", Claims { aud: "bank".into(), ..claims() }),
        ("from the future", Claims { iat: now + 60, ..claims() }),
    ] {
        forged.push((name, token(&claims, &issuer)));
    }
    for (name, token) in forged {
        assert_eq!(rejection(&token_verifier, &token).as_deref(), Some("TOKEN_INVALID"), "{name}");
    }
    let control = signed_header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#);
    assert_eq!(rejection(&token_verifier, &control), None, "the same method creates valid tokens");
}

#[tokio::test]
async fn a_token_is_invalid_after_expiry_revocation_or_removal_of_its_key() {
    let (token_verifier, clock, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    let other = token(&Claims { sid: Uuid::from_u128(9), ..claims() }, &issuer);
    assert_eq!((rejection(&token_verifier, &good), rejection(&token_verifier, &other)), (None, None));
    token_verifier.apply_delta(revoked());
    assert_eq!(rejection(&token_verifier, &good).as_deref(), Some("SESSION_ENDED"), "despite the cache");
    assert_eq!(rejection(&token_verifier, &other), None);
    clock.advance(TimeDelta::seconds(900));
    assert_eq!(rejection(&token_verifier, &other).as_deref(), Some("TOKEN_EXPIRED"));

    let (token_verifier, _, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    assert_eq!(rejection(&token_verifier, &good), None);
    let other = vec![("other".to_owned(), super::tokens::issuer(2).public)];
    token_verifier.apply_snapshot(TrustUpdate { keys: other, ..TrustUpdate::default() });
    assert_eq!(rejection(&token_verifier, &good).as_deref(), Some("TOKEN_INVALID"), "its key was removed");
}

#[tokio::test]
async fn a_snapshot_of_a_lagging_replica_removes_no_revocation() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    token_verifier.apply_delta(revoked());
    token_verifier.apply_snapshot(keys(issuer.public));
    assert_eq!(rejection(&token_verifier, &good).as_deref(), Some("SESSION_ENDED"));
}

#[tokio::test(start_paused = true)]
async fn without_updates_from_auth_tokens_are_rejected_after_the_grace_period() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(rejection(&token_verifier, &good), None, "within the grace");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(token_verifier.verify(&good, None).expect_err("beyond the grace").code(), Code::Unavailable);
    token_verifier.apply_delta(TrustUpdate::default());
    assert_eq!(rejection(&token_verifier, &good), None, "a heartbeat restores it");
    assert_eq!(
        support::token_verifier(&support::clock()).verify(&good, None).expect_err("no update").code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn the_legacy_algorithm_accepts_its_secret_only() {
    let clock = support::clock();
    let config = TokenVerifierConfig {
        issuer: "fintrac".into(),
        grace_period: Duration::from_mins(1),
        hs256_secret: Some("a secret that is long enough for HS256".into()),
    };
    let token_verifier = TokenVerifier::new(config, clock);
    let issuer = issuer(1);
    token_verifier.apply_snapshot(keys(issuer.public));
    let key = EncodingKey::from_secret(b"a secret that is long enough for HS256");
    assert_eq!(
        rejection(&token_verifier, &sign(&claims(), &key, Algorithm::HS256, None).expect("a token")),
        None
    );
    assert_eq!(rejection(&token_verifier, &token(&claims(), &issuer)).as_deref(), Some("TOKEN_INVALID"));
}

#[tokio::test]
async fn permissions_follow_changes_of_roles() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let principal = token_verifier.verify(&token(&claims(), &issuer), None).expect("a valid token");
    let may = |permissions: &[&'static str]| {
        token_verifier.require_permissions(&principal, permissions, &Client::default(), "request-1").is_ok()
    };
    assert!(may(&[]), "no permission is required");
    assert!(!may(&["accounts:read"]), "an unknown role has no permission");
    let roles = |permissions: &[&str]| {
        let permissions = permissions.iter().map(|permission| (*permission).to_owned()).collect();
        TrustUpdate { roles: Some(vec![("user".into(), permissions)]), ..TrustUpdate::default() }
    };
    token_verifier.apply_delta(roles(&["accounts:read"]));
    assert!(may(&["accounts:read"]) && !may(&["accounts:write"]));
    assert!(!may(&["accounts:read", "budgets:read"]), "all permissions are required");
    token_verifier.apply_delta(TrustUpdate::default());
    assert!(may(&["accounts:read"]), "a heartbeat changes nothing");
    token_verifier.apply_delta(roles(&[]));
    assert!(!may(&["accounts:read"]));
    let mut denied = token_verifier.take_denied_calls().expect("a receiver");
    assert!(token_verifier.take_denied_calls().is_none());
    let reported: Vec<_> =
        denied.next_batch().await.iter().map(|call| (call.user_id, call.permission)).collect();
    let expected = ["accounts:read", "accounts:write", "budgets:read", "accounts:read"]
        .map(|permission| (principal.user_id, permission));
    assert_eq!(reported, expected);
}

#[tokio::test]
async fn an_ip_rule_applies_to_tokens_that_were_verified_before() {
    let (token_verifier, _, issuer) = verifier_with_keys();
    let good = token(&claims(), &issuer);
    let from =
        |ip: &str| token_verifier.verify(&good, ip.parse().ok()).err().and_then(|status| reason(&status));
    assert_eq!(from("198.51.100.7"), None);
    let rule = |user_id| EnforcedIpRule {
        user_id,
        network: "198.51.100.0/24".parse().expect("a network"),
        allow: false,
    };
    let rules = |rules| TrustUpdate { ip_rules: Some(rules), ..TrustUpdate::default() };
    token_verifier.apply_delta(rules(vec![rule(Some(Uuid::from_u128(1)))]));
    assert_eq!(from("198.51.100.7").as_deref(), Some("IP_ADDRESS_DENIED"));
    assert_eq!(
        (from("203.0.113.1"), token_verifier.check_ip("198.51.100.7".parse().ok()).is_ok()),
        (None, true)
    );
    token_verifier.apply_delta(rules(vec![rule(None)]));
    assert!(token_verifier.check_ip("198.51.100.7".parse().ok()).is_err());
    token_verifier.apply_delta(rules(Vec::new()));
    assert_eq!(from("198.51.100.7"), None, "an empty set of rules replaces the old one");
}
