//! Passwords: resets, changes, and raised hash parameters.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;

use crate::support::{Auth, PASSWORD, Session, error_reason};

const OTHER: &str = "four quiet words here";

async fn forgot(auth: &Auth, email: &str) {
    auth.clock.advance(TimeDelta::seconds(61));
    let request = pb::ForgotPasswordRequest { email: email.to_owned() };
    auth.from("192.0.2.1", auth.identity().forgot_password(request)).await.expect("the request is accepted");
}

fn by_token(token: &str, new_password: &str) -> pb::ResetPasswordRequest {
    let (token, new_password) = (token.to_owned(), new_password.to_owned());
    pb::ResetPasswordRequest { token, new_password, ..Default::default() }
}

fn by_code(code: &str) -> pb::ResetPasswordRequest {
    let (email, code, new_password) = ("ana@example.com".into(), code.to_owned(), OTHER.to_owned());
    pb::ResetPasswordRequest { email, code, new_password, ..Default::default() }
}

fn change(current: &str, new: &str) -> pb::ChangePasswordRequest {
    pb::ChangePasswordRequest { current_password: current.to_owned(), new_password: new.to_owned() }
}

async fn field(session: &Session<'_>, request: pb::ChangePasswordRequest) -> (String, String) {
    let rejected = session.call(session.users().change_password(request)).await.expect_err("invalid");
    let details = tonic_types::StatusExt::get_error_details(&rejected);
    let violation = details.bad_request().expect("violations").field_violations[0].clone();
    (violation.field, violation.reason)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_link_and_ends_every_session() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let old = auth.session("ana@example.com").await;
    forgot(&auth, "ana@example.com").await;
    let token = auth.challenge().await.token;
    auth.identity().reset_password(by_token(&token, OTHER)).await.expect("reset");
    assert_eq!(old.wait_for_rejection().await, "SESSION_ENDED");
    assert_eq!(error_reason(auth.refresh(&old.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    auth.login("ana@example.com", OTHER).await.expect("the new password");
    assert_eq!(
        error_reason(auth.identity().reset_password(by_token(&token, PASSWORD)).await),
        "VERIFICATION_INVALID"
    );
    assert!(auth.security_events("ana@example.com").await.contains(&"password_reset".to_owned()));
}

#[tokio::test]
async fn a_rejected_password_leaves_the_code_valid() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    forgot(&auth, "ana@example.com").await;
    let code = auth.challenge().await.code;
    for weak in ["short", "password12345", "my name is ana!!"] {
        let request = pb::ResetPasswordRequest { new_password: weak.into(), ..by_code(&code) };
        assert_eq!(
            error_reason(auth.identity().reset_password(request).await),
            "VALIDATION_FAILED",
            "{weak}"
        );
    }
    auth.identity().reset_password(by_code(&code)).await.expect("the code is still valid");
}

#[tokio::test]
async fn five_wrong_codes_invalidate_the_code_and_the_link_expires_after_an_hour() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    forgot(&auth, "ana@example.com").await;
    let secrets = auth.challenge().await;
    let wrong = "00000000";
    for _ in 0..5 {
        assert_eq!(
            error_reason(auth.identity().reset_password(by_code(wrong)).await),
            "VERIFICATION_INVALID"
        );
    }
    assert_eq!(
        error_reason(auth.identity().reset_password(by_code(&secrets.code)).await),
        "VERIFICATION_INVALID"
    );
    auth.clock.advance(TimeDelta::minutes(60));
    assert_eq!(
        error_reason(auth.identity().reset_password(by_token(&secrets.token, OTHER)).await),
        "VERIFICATION_INVALID"
    );
    auth.login("ana@example.com", PASSWORD).await.expect("the old password");
}

/// Checks a limit across emails: five attempts per email are many over a day.
#[tokio::test]
async fn wrong_codes_of_an_address_are_counted_over_all_emails_and_networks() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let guess = async |from: String, code: &str| {
        let mut identity = auth.identity();
        error_reason(auth.from(&from, identity.reset_password(by_code(code))).await)
    };
    for (round, guesses) in [5, 5, 5, 4, 1].into_iter().enumerate() {
        forgot(&auth, "ana@example.com").await;
        for host in 0..guesses {
            assert_eq!(guess(format!("198.51.{round}.{host}"), "00000000").await, "VERIFICATION_INVALID");
        }
    }
    let code = auth.challenge().await.code;
    assert_eq!(guess("203.0.113.9".to_owned(), &code).await, "TOO_MANY_ATTEMPTS", "after twenty wrong codes");
    let mut identity = auth.identity();
    auth.clock.advance(TimeDelta::seconds(1));
    auth.from("203.0.113.9", identity.reset_password(by_code(&code))).await.expect("after the delay");
}

#[tokio::test]
async fn proofs_are_valid_for_their_own_purpose_only() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    forgot(&auth, "ana@example.com").await;
    let reset = auth.challenge().await.token;
    let verify = pb::VerifyEmailRequest { token: reset, ..Default::default() };
    assert_eq!(error_reason(auth.verify(verify).await), "VERIFICATION_INVALID");
    auth.register(crate::support::ana("bo@example.com")).await.expect("registered");
    let verification = auth.challenge().await.token;
    let rejected = auth.identity().reset_password(by_token(&verification, OTHER)).await;
    assert_eq!(error_reason(rejected), "VERIFICATION_INVALID");
}

#[tokio::test]
async fn a_forgotten_password_does_not_reveal_known_addresses() {
    let auth = Auth::start().await;
    auth.register(crate::support::ana("unverified@example.com")).await.expect("registered");
    let count = "select count(*)::text from auth.challenges where purpose = 'reset_password'";
    for email in ["unknown@example.com", "unverified@example.com"] {
        forgot(&auth, email).await;
    }
    assert_eq!(auth.text(count).await, "0", "no email is sent to an unverified address");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_only() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let (current, other) = (auth.session("ana@example.com").await, auth.session("ana@example.com").await);
    assert_eq!(
        field(&current, change("not it at all", OTHER)).await,
        ("current_password".into(), "PASSWORD_INCORRECT".into())
    );
    assert_eq!(field(&current, change(PASSWORD, PASSWORD)).await.1, "PASSWORD_UNCHANGED");
    assert_eq!(
        field(&current, change(PASSWORD, "iloveyou1234")).await,
        ("new_password".into(), "PASSWORD_COMMON".into())
    );
    current.call(current.users().change_password(change(PASSWORD, OTHER))).await.expect("changed");
    assert_eq!(other.wait_for_rejection().await, "SESSION_ENDED");
    auth.me(&current.tokens.access_token).await.expect("this session continues");
    auth.login("ana@example.com", OTHER).await.expect("the new password");
}

#[tokio::test]
async fn a_stolen_session_cannot_guess_the_password() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let stolen = auth.session("ana@example.com").await;
    for _ in 0..5 {
        assert_eq!(field(&stolen, change("not it at all", OTHER)).await.1, "PASSWORD_INCORRECT");
    }
    let rejected = stolen.call(stolen.users().change_password(change(PASSWORD, OTHER))).await;
    assert_eq!(error_reason(rejected), "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn a_login_raises_the_cost_of_an_old_hash() {
    use argon2::password_hash::PasswordHasher as _;
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let params = argon2::Params::new(8 * 1024, 1, 1, None).expect("parameters");
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let weak = weak.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).expect("a hash").to_string();
    sqlx::query("update auth.users set password_hash = $1")
        .bind(&weak)
        .execute(&mut auth.database.connect().await)
        .await
        .expect("an old hash");
    assert_eq!(error_reason(auth.login("ana@example.com", "a wrong password").await), "INVALID_CREDENTIALS");
    assert_eq!(
        auth.text("select password_hash from auth.users").await,
        weak,
        "only the right password raises it"
    );
    auth.login("ana@example.com", PASSWORD).await.expect("login");
    let raised = auth.text("select password_hash from auth.users").await;
    assert!(raised.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{raised}");
    auth.login("ana@example.com", PASSWORD).await.expect("login with the new hash");
}

#[tokio::test]
async fn a_new_password_cancels_a_pending_email_change() {
    for resets in [false, true] {
        let auth = Auth::start().await;
        auth.user("ana@example.com").await;
        let attacker = auth.session("ana@example.com").await;
        let mask = prost_types::FieldMask { paths: vec!["email".into()] };
        let (email, password) = (Some("attacker@example.org".to_owned()), PASSWORD.to_owned());
        let request =
            pb::UpdateCurrentUserRequest { email, password, update_mask: Some(mask), ..Default::default() };
        attacker.call(attacker.users().update_current_user(request)).await.expect("requested");
        let token = auth.challenge().await.token;
        if resets {
            forgot(&auth, "ana@example.com").await;
            let reset = auth.challenge().await.token;
            auth.identity().reset_password(by_token(&reset, OTHER)).await.expect("reset");
        } else {
            let owner = auth.session("ana@example.com").await;
            owner.call(owner.users().change_password(change(PASSWORD, OTHER))).await.expect("changed");
        }
        let confirm = pb::VerifyEmailRequest { token, ..Default::default() };
        assert_eq!(error_reason(auth.verify(confirm).await), "VERIFICATION_INVALID");
        auth.login("ana@example.com", OTHER).await.expect("the new password");
    }
}

#[tokio::test]
async fn an_attacker_elsewhere_cannot_lock_the_user_out() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    auth.session("ana@example.com").await;
    let guess = || pb::LoginRequest {
        email: "ana@example.com".into(),
        password: "a wrong password".into(),
        ..Default::default()
    };
    for _ in 0..8 {
        auth.from("203.0.113.9", auth.identity().login(guess())).await.expect_err("wrong");
    }
    auth.login("ana@example.com", PASSWORD).await.expect("a login from a known network");
    let right = pb::LoginRequest { password: PASSWORD.into(), ..guess() };
    let elsewhere = auth.from("198.51.100.1", auth.identity().login(right)).await;
    assert_eq!(error_reason(elsewhere), "INVALID_CREDENTIALS", "a login from elsewhere is delayed");
    // Verification emails do not count against the limit of reset emails.
    for _ in 0..8 {
        let request = pb::ResendVerificationRequest { email: "ana@example.com".into() };
        auth.from("203.0.113.9", auth.identity().resend_verification(request))
            .await
            .expect("the request is accepted");
    }
    let request = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(request)).await.expect("the request is accepted");
    assert_eq!(
        auth.text("select count(*)::text from auth.challenges where purpose = 'reset_password'").await,
        "1"
    );
}

#[tokio::test]
async fn one_ip_address_cannot_try_codes_of_many_addresses() {
    let auth = Auth::start().await;
    for number in 0..50 {
        let request =
            pb::ResetPasswordRequest { email: format!("user{number}@example.com"), ..by_code("123456") };
        let rejected = auth.from("203.0.113.9", auth.identity().reset_password(request)).await;
        assert_eq!(error_reason(rejected), "VERIFICATION_INVALID");
    }
    let rejected = auth.from("203.0.113.9", auth.identity().reset_password(by_code("123456"))).await;
    assert_eq!(error_reason(rejected), "TOO_MANY_ATTEMPTS");
    for number in 0..30 {
        let request = pb::ForgotPasswordRequest { email: format!("user{number}@example.com") };
        auth.from("203.0.113.10", auth.identity().forgot_password(request))
            .await
            .expect("the request is accepted");
    }
    let request = pb::ForgotPasswordRequest { email: "one.more@example.com".into() };
    let rejected = auth.from("203.0.113.10", auth.identity().forgot_password(request)).await;
    assert_eq!(error_reason(rejected), "TOO_MANY_ATTEMPTS", "requests of emails are limited as well");
}
