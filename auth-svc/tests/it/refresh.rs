use chrono::TimeDelta;
use fintrac_proto::auth::v1::LogoutAllRequest;
use futures::future::join_all;

use crate::support::{Auth, PASSWORD, as_user, error_reason};

async fn logged_in() -> (Auth, String) {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let token = auth.login("ana@example.com", PASSWORD).await.expect("login").refresh_token;
    (auth, token)
}

#[tokio::test]
async fn each_refresh_rotates_and_an_old_token_ends_the_session() {
    let (auth, first) = logged_in().await;
    let second = auth.refresh(&first).await.expect("first").refresh_token;
    let third = auth.refresh(&second).await.expect("second").refresh_token;
    assert!(first != second && second != third);
    assert_eq!(error_reason(auth.refresh(&first).await), "REFRESH_TOKEN_REUSED", "its successor was used");
    assert_eq!(error_reason(auth.refresh(&third).await), "REFRESH_TOKEN_INVALID", "the whole family is gone");
    let noted = "select count(*)::text from auth.security_events where kind = 'refresh_token_reused'";
    assert_eq!(auth.text(noted).await, "1");
}

#[tokio::test]
async fn a_lost_response_is_repeated_within_the_grace_period() {
    let (auth, first) = logged_in().await;
    let second = auth.refresh(&first).await.expect("the response that is lost").refresh_token;
    auth.clock.advance(TimeDelta::seconds(30));
    assert_eq!(auth.refresh(&first).await.expect("the retry").refresh_token, second);
    auth.clock.advance(TimeDelta::seconds(1));
    assert_eq!(error_reason(auth.refresh(&first).await), "REFRESH_TOKEN_REUSED", "too late for a retry");
    assert_eq!(error_reason(auth.refresh(&second).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn twenty_concurrent_refreshes_leave_one_live_branch() {
    let (auth, first) = logged_in().await;
    let replica = auth.replica().await;
    let tries =
        (0..20).map(|number| if number % 2 == 0 { auth.refresh(&first) } else { replica.refresh(&first) });
    let mut tokens: Vec<_> =
        join_all(tries).await.into_iter().map(|pair| pair.expect("a pair").refresh_token).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all got the same successor");
    auth.refresh(&tokens[0]).await.expect("the branch is live");
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age() {
    let (auth, mut token) = logged_in().await;
    for _ in 0..14 {
        auth.clock.advance(TimeDelta::days(6));
        token = auth.refresh(&token).await.expect("in use").refresh_token;
    }
    auth.clock.advance(TimeDelta::days(6));
    assert_eq!(error_reason(auth.refresh(&token).await), "REFRESH_TOKEN_INVALID", "90 days old");

    let (auth, token) = logged_in().await;
    auth.clock.advance(TimeDelta::days(7));
    assert_eq!(error_reason(auth.refresh(&token).await), "REFRESH_TOKEN_INVALID", "7 days idle");
}

#[tokio::test]
async fn malformed_refresh_tokens_are_rejected() {
    let (auth, token) = logged_in().await;
    for nonsense in ["", "x", &token[1..], &"A".repeat(100_000)] {
        assert_eq!(error_reason(auth.refresh(nonsense).await), "REFRESH_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn a_reused_token_ends_its_session_during_a_concurrent_logout_all() {
    let (auth, _) = logged_in().await;
    for _ in 0..10 {
        let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
        let second = auth.refresh(&tokens.refresh_token).await.expect("first").refresh_token;
        auth.refresh(&second).await.expect("second");
        let everywhere =
            as_user(&tokens.access_token, async { auth.identity().logout_all(LogoutAllRequest {}).await });
        let (reused, logged_out) = tokio::join!(auth.refresh(&tokens.refresh_token), everywhere);
        logged_out.expect("concurrent calls do not block each other");
        // The token is rejected whichever call came first.
        assert!(["REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"].contains(&error_reason(reused).as_str()));
    }
}
