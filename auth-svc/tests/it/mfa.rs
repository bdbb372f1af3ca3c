//! Second factors: login, enrollment, removal and recovery.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;

use crate::support::{Auth, PASSWORD, as_user, error_reason, with_code};

const STEP: TimeDelta = TimeDelta::seconds(30);

#[tokio::test]
async fn logging_in_needs_a_code_and_each_works_once() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let (totp, recovery) = session.enroll().await;
    assert_eq!(recovery.len(), 10);
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "MFA_REQUIRED");
    assert_eq!(error_reason(auth.login("ana@example.com", "a wrong password").await), "INVALID_CREDENTIALS");
    let spent = auth.code(&totp);
    assert_eq!(
        error_reason(auth.login_with(with_code("ana@example.com", &spent)).await),
        "MFA_CODE_INVALID",
        "the confirmation used it"
    );
    auth.clock.advance(STEP);
    let code = auth.code(&totp);
    auth.login_with(with_code("ana@example.com", &code)).await.expect("a fresh code");
    assert_eq!(error_reason(auth.login_with(with_code("ana@example.com", &code)).await), "MFA_CODE_INVALID");
    auth.clock.advance(STEP * 2);
    let now = u64::try_from(auth.clock.now().timestamp()).expect("after 1970");
    let (early, late) = (totp.generate(now + 60).to_string(), totp.generate(now - 60).to_string());
    for far in [early, late] {
        assert_eq!(
            error_reason(auth.login_with(with_code("ana@example.com", &far)).await),
            "MFA_CODE_INVALID"
        );
    }
    let next = totp.generate(now + 30).to_string();
    auth.login_with(with_code("ana@example.com", &next)).await.expect("a clock that is one step ahead");
    let current = auth.code(&totp);
    let older = auth.login_with(with_code("ana@example.com", &current)).await;
    assert_eq!(error_reason(older), "MFA_CODE_INVALID", "a newer step invalidates an older one");
    assert!(auth.me(&session.tokens.access_token).await.expect("me").mfa_enabled);
}

#[tokio::test]
async fn a_recovery_code_logs_in_once_and_is_recorded() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let (_, recovery) = auth.session("ana@example.com").await.enroll().await;
    let typed = recovery[3].to_uppercase().replace('-', " ");
    auth.login_with(with_code("ana@example.com", &typed)).await.expect("a recovery code");
    assert_eq!(
        error_reason(auth.login_with(with_code("ana@example.com", &recovery[3])).await),
        "MFA_CODE_INVALID"
    );
    auth.login_with(with_code("ana@example.com", &recovery[4])).await.expect("another one");
    let recorded = "select count(*)::text from auth.events where kind = 'recovery_code_used'";
    assert_eq!(auth.text(recorded).await, "2");
    let stored = auth.text("select string_agg(code_hash::text, ' ') from auth.recovery_codes").await;
    assert!(!stored.contains(&recovery[0]));
}

#[tokio::test]
async fn wrong_codes_are_delayed_and_only_a_right_one_resets_the_count() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let (totp, _) = auth.session("ana@example.com").await.enroll().await;
    auth.clock.advance(STEP);
    let wrong = if auth.code(&totp) == "000000" { "111111" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(
            error_reason(auth.login_with(with_code("ana@example.com", wrong)).await),
            "MFA_CODE_INVALID"
        );
        // The password alone does not reset the count.
        assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "MFA_REQUIRED");
    }
    assert_eq!(
        error_reason(auth.login_with(with_code("ana@example.com", &auth.code(&totp))).await),
        "TOO_MANY_ATTEMPTS"
    );
    // Nor does a password reset, which is possible for a reader of the user's emails.
    let request = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(request)).await.expect("the request is accepted");
    let (token, new_password) = (auth.challenge().await.token, PASSWORD.to_owned());
    let request = pb::ResetPasswordRequest { token, new_password, ..Default::default() };
    auth.identity().reset_password(request).await.expect("reset");
    assert_eq!(
        error_reason(auth.login_with(with_code("ana@example.com", &auth.code(&totp))).await),
        "TOO_MANY_ATTEMPTS"
    );
    auth.clock.advance(TimeDelta::seconds(2));
    auth.login_with(with_code("ana@example.com", &auth.code(&totp))).await.expect("after the delay");
    assert!(auth.security_events("ana@example.com").await.contains(&"mfa_rejected".to_owned()));
}

/// Checks that logins that end with MFA_REQUIRED refund their own attempt only.
#[tokio::test]
async fn refunding_an_attempt_refunds_no_other() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let (totp, _) = auth.session("ana@example.com").await.enroll().await;
    auth.clock.advance(TimeDelta::hours(1));
    let count = "select coalesce(sum(failures), 0)::text from auth.throttles";
    let before: i64 = auth.text(count).await.parse().expect("a number");
    let wrong = if auth.code(&totp) == "000000" { "111111" } else { "000000" };
    for _ in 0..3 {
        assert_eq!(
            error_reason(auth.login_with(with_code("ana@example.com", wrong)).await),
            "MFA_CODE_INVALID"
        );
    }
    auth.clock.advance(TimeDelta::minutes(45));
    // Each refunds its own attempt while wrong codes arrive in between.
    let bare = (0..6).map(|_| auth.login("ana@example.com", PASSWORD));
    let guesses = (0..2).map(|_| auth.login_with(with_code("ana@example.com", wrong)));
    let (bare, guesses) = futures::join!(futures::future::join_all(bare), futures::future::join_all(guesses));
    assert!(
        bare.into_iter().all(|response| response.is_err())
            && guesses.into_iter().all(|response| response.is_err())
    );
    let after: i64 = auth.text(count).await.parse().expect("a number");
    assert!(after >= before + 2, "two guesses more than the {before} before: {after}");
}

#[tokio::test]
async fn removal_needs_password_and_code_and_an_enrollment_cannot_be_replaced() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let remove = async |password: &str, code: &str| {
        let request = pb::RemoveTotpRequest { password: password.into(), code: code.into() };
        session.call(session.mfa().remove_totp(request)).await
    };
    assert_eq!(error_reason(remove(PASSWORD, "123456").await), "MFA_NOT_ENROLLED");
    let (totp, recovery) = session.enroll().await;
    let again = session.call(session.mfa().enroll_totp(pb::EnrollTotpRequest {})).await;
    assert_eq!(error_reason(again), "MFA_ENABLED");
    auth.clock.advance(STEP);
    assert_eq!(error_reason(remove("a wrong password", &auth.code(&totp)).await), "VALIDATION_FAILED");
    assert_eq!(error_reason(remove(PASSWORD, "").await), "MFA_REQUIRED");
    let wrong = if auth.code(&totp) == "000000" { "111111" } else { "000000" };
    assert_eq!(error_reason(remove(PASSWORD, wrong).await), "MFA_CODE_INVALID");
    remove(PASSWORD, &recovery[0]).await.expect("removed");
    auth.login("ana@example.com", PASSWORD).await.expect("the password is enough");
    let left = "select (select count(*) from auth.totp) + (select count(*) from auth.recovery_codes)";
    assert_eq!(auth.text(&format!("select ({left})::text")).await, "0");
}

#[tokio::test]
async fn a_reset_password_does_not_bypass_the_second_factor() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let (totp, _) = auth.session("ana@example.com").await.enroll().await;
    let request = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(request)).await.expect("the request is accepted");
    let (token, new_password) = (auth.challenge().await.token, PASSWORD.to_owned());
    let request = pb::ResetPasswordRequest { token, new_password, ..Default::default() };
    auth.identity().reset_password(request).await.expect("reset");
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "MFA_REQUIRED");
    auth.clock.advance(STEP);
    auth.login_with(with_code("ana@example.com", &auth.code(&totp))).await.expect("with a code");
}

#[tokio::test]
async fn an_enrollment_takes_effect_once_confirmed() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let confirm = async |code: &str| {
        session.call(session.mfa().confirm_totp(pb::ConfirmTotpRequest { code: code.into() })).await
    };
    assert_eq!(error_reason(confirm("123456").await), "MFA_NOT_ENROLLED");
    let enrollment =
        session.call(session.mfa().enroll_totp(pb::EnrollTotpRequest {})).await.expect("enrollment");
    let enrollment = enrollment.into_inner();
    assert!(
        enrollment.otpauth_uri.starts_with("otpauth://totp/FinTrac:ana%40example.com?"),
        "{enrollment:?}"
    );
    assert!(enrollment.qr_svg.contains("<svg"));
    auth.login("ana@example.com", PASSWORD).await.expect("the enrollment is not confirmed yet");
    assert_eq!(error_reason(confirm("abc").await), "VALIDATION_FAILED");
    session.enroll().await;
    assert_eq!(error_reason(confirm("123456").await), "MFA_ENABLED");
}

#[tokio::test]
async fn an_administrator_has_no_permissions_on_others_without_a_second_factor() {
    let auth = Auth::with(&[("ADMIN_MFA_REQUIRED", "true")]).await;
    let admin = auth.admin("admin@example.com").await;
    let list = || pb::ListUsersRequest::default();
    assert_eq!(error_reason(admin.call(admin.admin().list_users(list())).await), "PERMISSION_DENIED");
    admin.enroll().await;
    let tokens = auth.refresh(&admin.tokens.refresh_token).await.expect("refreshed");
    as_user(&tokens.access_token, admin.admin().list_users(list()))
        .await
        .expect("the second factor is enrolled");
}
