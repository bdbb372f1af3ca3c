//! Keys for signing and for encryption at rest.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::trust_service_client::TrustServiceClient;
use kit_core::keyring::KeyRing;
use kit_core::random::Random;

use crate::support::{Auth, PASSWORD, ana, ring, with_code};

/// Returns the key id in a token's header.
fn kid(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().expect("a header");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    header["kid"].as_str().expect("a key id").to_owned()
}

#[tokio::test]
async fn a_new_signing_key_is_published_before_it_signs_and_the_old_one_still_verifies() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let before = auth.login("ana@example.com", PASSWORD).await.expect("login");
    let operator = auth.operator(&[]).await;
    let (fresh, _) = operator.rotate_signing_key(TimeDelta::seconds(120)).await.expect("rotated");
    // Verifiers receive the new key although nothing is signed with it yet.
    let listed = async || {
        let mut keys = TrustServiceClient::new(auth.transport("gateway"));
        keys.list_signing_keys(pb::ListSigningKeysRequest {}).await.expect("keys").into_inner().keys.len()
    };
    assert_eq!(listed().await, 2);
    let soon = auth.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(kid(&soon.access_token), kid(&before.access_token));
    auth.clock.advance(TimeDelta::seconds(121));
    let after = async {
        loop {
            let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
            if kid(&tokens.access_token) == fresh {
                return tokens;
            }
        }
    };
    let after =
        tokio::time::timeout(std::time::Duration::from_mins(1), after).await.expect("the new key signs");
    auth.me(&after.access_token).await.expect("the new key verifies");
    auth.me(&before.access_token).await.expect("the old key still verifies");
    auth.clock.advance(TimeDelta::hours(26));
    let replica = auth.replica().await;
    replica.wait_until("select count(*)::text from auth.signing_keys", "1").await;
    let last = replica.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(kid(&last.access_token), fresh, "the old key is deleted when all of its tokens have expired");
}

/// Verifiers reject tokens of a compromised key within a second.
#[tokio::test]
async fn revoked_signing_keys_verify_nothing_and_sessions_continue() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let before = auth.login("ana@example.com", PASSWORD).await.expect("login");
    let (fresh, revoked) = auth.operator(&[]).await.revoke_signing_keys().await.expect("revoked");
    assert_eq!(revoked, 1);
    let rejected = async {
        loop {
            if let Err(status) = auth.me(&before.access_token).await {
                return kit_core::error::reason(&status);
            }
        }
    };
    let rejected = tokio::time::timeout(std::time::Duration::from_mins(1), rejected)
        .await
        .expect("the token is rejected");
    assert_eq!(rejected.as_deref(), Some("TOKEN_INVALID"));
    let after = auth.refresh(&before.refresh_token).await.expect("the session continues");
    assert_eq!(kid(&after.access_token), fresh);
    auth.me(&after.access_token).await.expect("the new key verifies");
}

#[tokio::test]
async fn an_operator_ends_all_sessions() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    auth.user("bo@example.com").await;
    let (ana, bo) = (auth.session("ana@example.com").await, auth.session("bo@example.com").await);
    assert_eq!(auth.operator(&[]).await.end_all_sessions().await.expect("ended"), 2);
    assert_eq!(
        (ana.wait_for_rejection().await, bo.wait_for_rejection().await),
        ("SESSION_ENDED".into(), "SESSION_ENDED".into())
    );
    assert_eq!(auth.operator(&[]).await.end_all_sessions().await.expect("none left"), 0);
    auth.login("ana@example.com", PASSWORD).await.expect("login");
}

#[tokio::test]
async fn data_keys_rotate_online_and_a_dump_shows_no_secret() {
    let auth = Auth::start().await;
    let request = pb::RegisterRequest { phone_number: Some("+34600123123".into()), ..ana("ana@example.com") };
    auth.register(request).await.expect("registered");
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    let session = auth.session("ana@example.com").await;
    let (totp, _) = session.enroll().await;
    let seed = totp.secret().to_base32();
    let encrypted = "select concat_ws(' ', (select string_agg(phone_number, ' ') from auth.users),
                  (select string_agg(secret, ' ') from auth.totp),
                  (select string_agg(private_key, ' ') from auth.signing_keys))";
    let old = auth.text(encrypted).await;
    assert_eq!(old.split(' ').filter(|value| value.starts_with("v1.k1.")).count(), 3, "{old}");
    assert!(!old.contains("600123123") && !old.contains(&seed));
    let new = KeyRing::generate(&Random::seeded(2)).replace("k1:", "k2:");
    let both = format!("{new},{}", ring());
    let operator = auth.operator(&[("FINTRAC_DATA_KEYS", &both)]).await;
    assert_eq!(operator.rotate_data_key().await.expect("rotated"), 3);
    assert_eq!(operator.rotate_data_key().await.expect("nothing left"), 0);
    let fresh = auth.text(encrypted).await;
    assert_eq!(fresh.split(' ').filter(|value| value.starts_with("v1.k2.")).count(), 3, "{fresh}");
    // A replica that has the new key only works.
    let replica = auth.replica_with(&[("FINTRAC_DATA_KEYS", &new)]).await;
    auth.clock.advance(TimeDelta::seconds(30));
    let tokens = replica.login_with(with_code("ana@example.com", &auth.code(&totp))).await.expect("login");
    let me = replica.me(&tokens.access_token).await.expect("me");
    assert_eq!(me.phone_number.as_deref(), Some("+34600123123"));
}
