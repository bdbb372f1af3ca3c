use std::sync::Arc;
use std::time::Duration;

use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::trust_service_client::TrustServiceClient;
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig};
use kit_core::error::reason;
use kit_process::trust_subscription::run_trust_subscription;
use tokio_util::sync::CancellationToken;

use crate::support::{Auth, PASSWORD, as_user};

/// Waits until `token_verifier` rejects a token for `expected`, or accepts it.
/// It panics after a minute.
async fn wait_until(token_verifier: &TokenVerifier, token: &str, expected: Option<&str>) {
    let seen = async {
        while token_verifier.verify(token, None).err().and_then(|status| reason(&status)).as_deref()
            != expected
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the verifier receives the update");
}

#[tokio::test]
async fn a_remote_verifier_receives_keys_and_revocations_from_any_replica() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    let config = TokenVerifierConfig {
        issuer: "fintrac".into(),
        grace_period: Duration::from_mins(1),
        hs256_secret: None,
    };
    let token_verifier = Arc::new(TokenVerifier::new(config, auth.clock.clone()));
    let stop = CancellationToken::new();
    tokio::spawn(run_trust_subscription(
        Arc::clone(&token_verifier),
        replica.transport("ledger"),
        stop.clone(),
    ));

    auth.user("ana@example.com").await;
    let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
    let other = auth.login("ana@example.com", PASSWORD).await.expect("login");
    wait_until(&token_verifier, &tokens.access_token, None).await;
    as_user(&tokens.access_token, auth.identity().logout(pb::LogoutRequest::default()))
        .await
        .expect("logout");
    wait_until(&token_verifier, &tokens.access_token, Some("SESSION_ENDED")).await;
    wait_until(&token_verifier, &other.access_token, None).await;

    // A verifier that starts later receives the revocation as well.
    let config = TokenVerifierConfig {
        issuer: "fintrac".into(),
        grace_period: Duration::from_mins(1),
        hs256_secret: None,
    };
    let late = Arc::new(TokenVerifier::new(config, auth.clock.clone()));
    tokio::spawn(run_trust_subscription(Arc::clone(&late), auth.transport("budget"), stop.clone()));
    wait_until(&late, &tokens.access_token, Some("SESSION_ENDED")).await;
    stop.cancel();
}

#[tokio::test]
async fn replicas_share_one_signing_key_kept_encrypted() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    assert_eq!(auth.text("select count(*)::text from auth.signing_keys").await, "1");
    assert!(auth.text("select private_key from auth.signing_keys").await.starts_with("v1.k1."));
    auth.user("ana@example.com").await;
    let tokens = replica.login("ana@example.com", PASSWORD).await.expect("login at the replica");
    let me = auth.me(&tokens.access_token).await.expect("the token is valid at the other replica");
    assert_eq!(me.email, "ana@example.com");
}

#[tokio::test]
async fn the_legacy_algorithm_works_and_has_no_public_keys() {
    let secret = ("JWT_SECRET_KEY", "a secret of more than thirty-two characters");
    let auth = Auth::with(&[("JWT_ALGORITHM", "HS256"), secret]).await;
    auth.user("ana@example.com").await;
    let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(auth.me(&tokens.access_token).await.expect("me").email, "ana@example.com");
    let mut keys = TrustServiceClient::new(auth.transport("gateway"));
    let keys =
        keys.list_signing_keys(pb::ListSigningKeysRequest {}).await.expect("a response").into_inner().keys;
    assert!(keys.is_empty());
}
