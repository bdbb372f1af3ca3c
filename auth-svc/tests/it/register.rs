use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;
use futures::future::join_all;
use tonic_types::StatusExt as _;

use crate::support::{Auth, PASSWORD, ana, error_reason};

fn by_token(token: &str) -> pb::VerifyEmailRequest {
    pb::VerifyEmailRequest { token: token.to_owned(), ..Default::default() }
}

/// Checks that each email confirms the password of its own registration.
/// An attacker registers the address before or after its owner.
#[tokio::test]
async fn each_registration_is_confirmed_by_its_own_email_only() {
    for owner_first in [true, false] {
        let auth = Auth::start().await;
        let attacker = || pb::RegisterRequest {
            password: "the words of a stranger".into(),
            first_name: "Eve".into(),
            ..ana("ANA@example.com")
        };
        let first = if owner_first { ana("ana@example.com") } else { attacker() };
        let second = if owner_first { attacker() } else { ana("ana@example.com") };
        auth.register(first).await.expect("the first registration");
        let earlier = auth.challenge().await;
        auth.clock.advance(TimeDelta::seconds(1));
        auth.register(second).await.expect("the second registration");
        let later = auth.challenge().await;
        assert_ne!(earlier.token, later.token);
        let (own, attackers) = if owner_first { (earlier, later) } else { (later, earlier) };
        auth.verify(by_token(&own.token)).await.expect("verified");
        assert_eq!(error_reason(auth.verify(by_token(&attackers.token)).await), "VERIFICATION_INVALID");
        assert_eq!(
            error_reason(auth.login("ana@example.com", "the words of a stranger").await),
            "INVALID_CREDENTIALS"
        );
        let tokens = auth.login("ana@example.com", PASSWORD).await.expect("the owner's password");
        assert_eq!(auth.me(&tokens.access_token).await.expect("me").first_name, "Ana");
        let released = "select count(*)::text from auth.events where kind = 'released'";
        assert_eq!(auth.text(released).await, "1");
    }
}

#[tokio::test]
async fn the_code_of_each_registration_confirms_that_one() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("the owner");
    let code = auth.challenge().await.code;
    let attacker =
        pb::RegisterRequest { password: "the words of a stranger".into(), ..ana("ana@example.com") };
    auth.register(attacker).await.expect("an attacker");
    let typed = format!("{}-{}", code[..4].to_lowercase(), &code[4..]);
    let request =
        pb::VerifyEmailRequest { email: "Ana@example.com".into(), code: typed, ..Default::default() };
    auth.verify(request).await.expect("verified with a lowercase, hyphenated code");
    auth.login("ana@example.com", PASSWORD).await.expect("the owner's password");
}

#[tokio::test]
async fn another_email_is_sent_for_each_pending_registration() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("one");
    auth.register(ana("ana@example.com")).await.expect("two");
    let open = "select string_agg(token_hash::text, ' ' order by user_id) from auth.challenges
        where closed_at is null";
    let before = auth.text(open).await;
    let request = pb::ResendVerificationRequest { email: "ana@example.com".into() };
    auth.identity().resend_verification(request).await.expect("two emails");
    let after = auth.text(open).await;
    assert_eq!((before.split(' ').count(), after.split(' ').count()), (2, 2));
    assert!(before.split(' ').all(|hash| !after.contains(hash)), "{before} {after}");
}

#[tokio::test]
async fn a_registration_reports_violations_of_its_device() {
    let auth = Auth::start().await;
    let device = Some(pb::Device { name: "x".repeat(101), ..Default::default() });
    let rejected = auth.register(pb::RegisterRequest { device, ..ana("ana@example.com") }).await;
    let details = rejected.expect_err("too long").get_details_bad_request().expect("fields");
    assert_eq!(details.field_violations[0].field, "device.name");
}

#[tokio::test]
async fn a_verified_address_keeps_its_password_and_is_notified() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let attacker =
        pb::RegisterRequest { password: "the password of a thief".into(), ..ana("ana@example.com") };
    auth.register(attacker).await.expect("the response is the same");
    assert_eq!(
        error_reason(auth.login("ana@example.com", "the password of a thief").await),
        "INVALID_CREDENTIALS"
    );
    auth.login("ana@example.com", PASSWORD).await.expect("the owner's password");
    let recorded =
        auth.text("select count(*)::text from auth.events where kind = 'already_registered'").await;
    assert_eq!(recorded, "1");
}

#[tokio::test]
async fn a_taken_username_is_rejected() {
    let auth = Auth::start().await;
    let with_name =
        |email: &str, name: &str| pb::RegisterRequest { username: Some(name.into()), ..ana(email) };
    auth.register(with_name("ana@example.com", "ana.gil")).await.expect("the username is free");
    auth.register(with_name("ana@example.com", "ana.gil")).await.expect("the same user");
    // An unverified registration does not reserve the username.
    auth.register(with_name("eve@example.com", "Ana.Gil")).await.expect("the username is still free");
    let wish = "select id::text from auth.challenges where user_id = any(
        select id from auth.users where email = 'ana@example.com') and closed_at is null
        order by created_at desc, id desc limit 1";
    let token = auth.challenge_of(&auth.text(wish).await).await.expect("secrets").token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    let status = auth.register(with_name("eve@example.com", "Ana.Gil")).await.expect_err("taken");
    let violations = status.get_details_bad_request().expect("fields").field_violations;
    assert_eq!((violations[0].field.as_str(), violations[0].reason.as_str()), ("username", "USERNAME_TAKEN"));
    let known = auth.register(with_name("ana@example.com", "Ana.Gil")).await;
    assert_eq!(
        error_reason(known),
        "VALIDATION_FAILED",
        "the response is the same for the address that holds it"
    );
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() })
        .await
        .expect("eve is verified without the username");
    let name = "select coalesce(username, 'none') from auth.users where email = 'eve@example.com'";
    assert_eq!(auth.text(name).await, "none");
}

#[tokio::test]
async fn one_verification_of_twenty_registrations_leaves_one_user() {
    let auth = Auth::start().await;
    let results = join_all((0..20).map(|_| auth.register(ana("ana@example.com")))).await;
    let registered = results.iter().filter(|result| result.is_ok()).count();
    for result in results.into_iter().filter_map(Result::err) {
        assert_eq!(kit_core::error::reason(&result).as_deref(), Some("TOO_MANY_ATTEMPTS"));
    }
    let claims = "select count(*)::text from auth.users where email_key = 'ana@example.com'";
    assert_eq!(auth.text(claims).await, registered.to_string());
    let token = auth.challenge().await.token;
    auth.verify(by_token(&token)).await.expect("verified");
    assert_eq!(auth.text(claims).await, "1");
    let open = "select count(*)::text from auth.challenges where closed_at is null";
    assert_eq!(auth.text(open).await, "0", "the other challenges are closed");
}

#[tokio::test]
async fn emails_to_one_address_are_limited() {
    let auth = Auth::start().await;
    for _ in 0..5 {
        auth.register(ana("ana@example.com")).await.expect("below the limit");
    }
    let status = auth.register(ana("ana@example.com")).await.expect_err("above the limit");
    assert!(
        status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
            .is_some_and(|wait| wait.as_secs() > 0)
    );
    let before = auth.text("select count(*)::text from auth.challenges").await;
    let request = pb::ResendVerificationRequest { email: "ana@example.com".into() };
    auth.identity().resend_verification(request).await.expect("the response is the same");
    assert_eq!(auth.text("select count(*)::text from auth.challenges").await, before);
}

#[tokio::test]
async fn the_phone_number_is_unreadable_at_rest() {
    let auth = Auth::start().await;
    let request =
        pb::RegisterRequest { phone_number: Some("+34 600 123 456".into()), ..ana("ana@example.com") };
    auth.register(request).await.expect("registered");
    let stored = auth.text("select phone_number from auth.users").await;
    assert!(stored.starts_with("v1.k1.") && !stored.contains("600123456"), "{stored}");
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(
        auth.me(&tokens.access_token).await.expect("me").phone_number.as_deref(),
        Some("+34600123456")
    );
}

#[tokio::test]
async fn events_contain_no_personal_data() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let kinds =
        "select string_agg(entity || ' ' || kind, ', ' order by transaction_id, position) from auth.events";
    let expected = "user registered, challenge verification_requested, household created, user verified";
    assert_eq!(auth.text(kinds).await, expected);
    let all = auth.text("select string_agg(events::text, ' ') from auth.events").await;
    assert!(!all.contains("example.com") && !all.contains("Gil"), "{all}");
    assert!(all.contains("192.0.2.1"), "the client address is recorded");
}
