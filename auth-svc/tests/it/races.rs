//! Concurrent attempts of which exactly one succeeds.

use fintrac_proto::auth::v1 as pb;
use futures::future::join_all;

use crate::support::{Auth, PASSWORD, ana, with_code};

/// Returns how many of twenty attempts succeed; half of them use another replica.
async fn winners<'a, F: Future<Output = bool>>(
    replicas: [&'a Auth; 2],
    attempt: impl Fn(&'a Auth, usize) -> F,
) -> usize {
    let attempts = (0..20).map(|number| attempt(replicas[number % 2], number));
    join_all(attempts).await.into_iter().filter(|won| *won).count()
}

#[tokio::test]
async fn one_reset_code_works_once() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    auth.user("ana@example.com").await;
    let request = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(request)).await.expect("202");
    let code = auth.challenge().await.code;
    let won = winners([&auth, &replica], |replica, number| {
        let request = pb::ResetPasswordRequest {
            email: "ana@example.com".into(),
            code: code.clone(),
            new_password: format!("four quiet words {number:02}"),
            ..Default::default()
        };
        async move { replica.identity().reset_password(request).await.is_ok() }
    });
    assert_eq!(won.await, 1);
    assert_eq!(auth.text("select count(*)::text from auth.events where kind = 'password_reset'").await, "1");
}

#[tokio::test]
async fn one_recovery_code_logs_in_once() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    auth.user("ana@example.com").await;
    let (_, recovery) = auth.session("ana@example.com").await.enroll().await;
    let won = winners([&auth, &replica], |replica, _| {
        let request = with_code("ana@example.com", &recovery[0]);
        async move { replica.login_with(request).await.is_ok() }
    });
    assert_eq!(won.await, 1);
}

#[tokio::test]
async fn one_step_of_a_totp_logs_in_once() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    auth.user("ana@example.com").await;
    let (totp, _) = auth.session("ana@example.com").await.enroll().await;
    auth.clock.advance(chrono::TimeDelta::seconds(30));
    let code = auth.code(&totp);
    let won = winners([&auth, &replica], |replica, _| {
        let request = with_code("ana@example.com", &code);
        async move { replica.login_with(request).await.is_ok() }
    });
    assert_eq!(won.await, 1);
}

#[tokio::test]
async fn one_address_has_one_household() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    // All registrations get the same response; the throttle of the address allows five emails.
    let registered = winners([&auth, &replica], |replica, number| {
        let request = pb::RegisterRequest { first_name: format!("Ana {number}"), ..ana("ana@example.com") };
        async move { replica.register(request).await.is_ok() }
    });
    assert!(registered.await >= 1);
    let open = "select string_agg(id::text, ' ') from auth.challenges where closed_at is null";
    let mut tokens = Vec::new();
    for id in auth.text(open).await.split(' ') {
        tokens.push(auth.challenge_of(id).await.expect("open").token);
    }
    // The links of all registrations are used at once, each several times; one of them wins.
    let verified = winners([&auth, &replica], |replica, number| {
        let token = tokens[number % tokens.len()].clone();
        async move { replica.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.is_ok() }
    });
    assert!(verified.await >= 1);
    assert_eq!(auth.text("select count(*)::text from auth.events where kind = 'verified'").await, "1");
    assert_eq!(auth.text("select count(*)::text from auth.households").await, "1");
    auth.login("ana@example.com", PASSWORD).await.expect("login");
}

#[tokio::test]
async fn twenty_refreshes_of_one_token_leave_one_live_branch() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    auth.user("ana@example.com").await;
    let first = auth.login("ana@example.com", PASSWORD).await.expect("login").refresh_token;
    let responses = (0..20).map(|number| {
        let replica = if number % 2 == 0 { &auth } else { &replica };
        replica.refresh(&first)
    });
    let next: Vec<_> =
        join_all(responses).await.into_iter().flatten().map(|pair| pair.refresh_token).collect();
    assert_eq!(next.len(), 20, "retries within the grace period get the same successor");
    assert!(next.iter().all(|token| *token == next[0]));
    assert_eq!(
        auth.text("select count(*)::text from auth.refresh_tokens where consumed_at is null").await,
        "1"
    );
}
