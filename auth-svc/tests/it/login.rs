use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;
use futures::future::join_all;

use crate::support::{Auth, PASSWORD, ana, as_user, error_reason};

#[tokio::test]
async fn login_by_address_or_username_in_any_case() {
    let auth = Auth::start().await;
    let request = pb::RegisterRequest { username: Some("ana.gil".into()), ..ana("ana@example.com") };
    auth.register(request).await.expect("registered");
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    auth.login("ANA@Example.com", PASSWORD).await.expect("by address");
    let request =
        pb::LoginRequest { username: "ANA.gil".into(), password: PASSWORD.into(), ..Default::default() };
    auth.identity().login(request).await.expect("by username");
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_response() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let wrong = auth.login("ana@example.com", "a wrong password").await.expect_err("wrong");
    let unknown = auth.login("unknown@example.com", "a wrong password").await.expect_err("unknown");
    assert_eq!((wrong.code(), wrong.message()), (unknown.code(), unknown.message()));
    assert_eq!(wrong.details(), unknown.details());
}

#[tokio::test]
async fn guessing_is_delayed_and_the_count_is_reset_by_a_login() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    for _ in 0..5 {
        assert_eq!(
            error_reason(auth.login("ana@example.com", "a wrong password").await),
            "INVALID_CREDENTIALS"
        );
    }
    assert_eq!(
        error_reason(auth.login("ana@example.com", PASSWORD).await),
        "INVALID_CREDENTIALS",
        "a blocked login gets the same response"
    );
    auth.clock.advance(TimeDelta::seconds(2));
    auth.login("ana@example.com", PASSWORD).await.expect("after the delay");
    assert_eq!(error_reason(auth.login("ana@example.com", "a wrong password").await), "INVALID_CREDENTIALS");
    auth.login("ana@example.com", PASSWORD).await.expect("the count was reset");
}

#[tokio::test]
async fn concurrent_guesses_are_counted_one_by_one() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    join_all((0..12).map(|_| auth.login("ana@example.com", "a wrong password"))).await;
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    assert_eq!(auth.text("select failures::text from auth.throttles order by failures limit 1").await, "1");
    let failed = "select count(*)::text from auth.security_events where kind = 'login_failed'";
    assert_eq!(auth.text(failed).await, "13");
}

#[tokio::test]
async fn one_ip_address_cannot_try_many_accounts() {
    let auth = Auth::start().await;
    for number in 0..50 {
        let email = format!("user{number}@example.com");
        assert_eq!(error_reason(auth.login(&email, "a wrong password").await), "INVALID_CREDENTIALS");
    }
    assert_eq!(
        error_reason(auth.login("one.more@example.com", "a wrong password").await),
        "TOO_MANY_ATTEMPTS"
    );
}

#[tokio::test]
async fn logins_that_succeed_never_block_their_address() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    for number in 0..49 {
        auth.login(&format!("user{number}@example.com"), "a wrong password").await.expect_err("wrong");
    }
    for _ in 0..5 {
        auth.login("ana@example.com", PASSWORD).await.expect("the right password");
    }
    auth.login("unknown@example.com", "a wrong password")
        .await
        .expect_err("the last attempt without a delay");
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "TOO_MANY_ATTEMPTS");
    auth.clock.advance(TimeDelta::minutes(15));
    for number in 0..20 {
        let email = format!("other{number}@example.com");
        assert_eq!(
            error_reason(auth.login(&email, "a wrong password").await),
            "INVALID_CREDENTIALS",
            "the count has halved"
        );
    }
}

#[tokio::test]
async fn the_oldest_session_ends_when_there_are_too_many() {
    let auth = Auth::with(&[("SESSIONS_PER_USER", "2")]).await;
    auth.user("ana@example.com").await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        auth.clock.advance(TimeDelta::seconds(1));
        tokens.push(auth.login("ana@example.com", PASSWORD).await.expect("login"));
    }
    assert_eq!(error_reason(auth.refresh(&tokens[0].refresh_token).await), "REFRESH_TOKEN_INVALID");
    auth.refresh(&tokens[1].refresh_token).await.expect("the second");
    auth.refresh(&tokens[2].refresh_token).await.expect("the third");
}

#[tokio::test]
async fn logout_ends_one_session_and_logout_all_ends_every_session() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let [one, two, three] = [(); 3].map(|()| auth.login("ana@example.com", PASSWORD));
    let (one, two, three) = (one.await.expect("one"), two.await.expect("two"), three.await.expect("three"));
    let refresh_token = two.refresh_token.clone();
    let request = pb::LogoutRequest { refresh_token };
    as_user(&one.access_token, auth.identity().logout(request)).await.expect("ends the second");
    assert_eq!(error_reason(auth.refresh(&two.refresh_token).await), "REFRESH_TOKEN_INVALID");
    as_user(&one.access_token, auth.identity().logout(pb::LogoutRequest::default())).await.expect("its own");
    assert_eq!(error_reason(auth.refresh(&one.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let three = auth.refresh(&three.refresh_token).await.expect("untouched");
    as_user(&three.access_token, auth.identity().logout_all(pb::LogoutAllRequest {})).await.expect("all");
    assert_eq!(error_reason(auth.refresh(&three.refresh_token).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn users_cannot_end_sessions_of_others() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    auth.user("eve@example.com").await;
    let ana = auth.login("ana@example.com", PASSWORD).await.expect("ana");
    let eve = auth.login("eve@example.com", PASSWORD).await.expect("eve");
    let request = pb::LogoutRequest { refresh_token: ana.refresh_token.clone() };
    let rejected = as_user(&eve.access_token, auth.identity().logout(request)).await;
    assert_eq!(error_reason(rejected), "VALIDATION_FAILED");
    auth.refresh(&ana.refresh_token).await.expect("ana's session continues");
}

#[tokio::test]
async fn secrets_are_hashed_at_rest() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
    let dump = "select string_agg(x, ' ') from (
        select users::text x from auth.users union all select refresh_tokens::text from auth.refresh_tokens
        union all select challenges::text from auth.challenges union all select signing_keys::text from auth.signing_keys) t";
    let dump = auth.text(dump).await;
    for secret in [PASSWORD, &tokens.refresh_token, &tokens.access_token] {
        assert!(!dump.contains(secret));
    }
    assert!(dump.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{dump}");
}

/// Checks that concurrent logins with the right password do not throttle.
/// A page that opens ten windows causes them.
#[tokio::test]
async fn ten_correct_logins_at_once_all_succeed() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let logins = (0..10).map(|_| auth.login("ana@example.com", PASSWORD));
    for login in join_all(logins).await {
        login.expect("the right password");
    }
}

/// Checks the count per site: one customer may have 65,536 IPv6 networks.
#[tokio::test]
async fn wrong_codes_are_counted_by_site_too() {
    let auth = Auth::start().await;
    let attempt = async |from: String, number: usize| {
        let email = format!("unknown{number}@example.com");
        let request = pb::VerifyEmailRequest { email, code: "00000000".into(), ..Default::default() };
        error_reason(auth.from(&from, auth.identity().verify_email(request)).await)
    };
    for start in (0..400).step_by(50) {
        let attempts = (start..start + 50).map(|number| attempt(format!("2001:db8:7:{number:x}::1"), number));
        assert_eq!(join_all(attempts).await, ["VERIFICATION_INVALID"; 50]);
    }
    assert_eq!(attempt("2001:db8:7:ffff::1".to_owned(), 400).await, "TOO_MANY_ATTEMPTS");
    assert_eq!(attempt("2001:db8:8::1".to_owned(), 401).await, "VERIFICATION_INVALID", "another site");
}
