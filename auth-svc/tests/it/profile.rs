//! Updates of the caller's own profile.

use fintrac_proto::auth::v1 as pb;
use prost_types::FieldMask;
use tonic::Status;

use crate::support::{Auth, PASSWORD, Session, error_reason};

async fn update(
    session: &Session<'_>,
    fields: &[&str],
    request: pb::UpdateCurrentUserRequest,
) -> Result<pb::User, Status> {
    let paths = fields.iter().map(|field| (*field).to_owned()).collect();
    let request = pb::UpdateCurrentUserRequest { update_mask: Some(FieldMask { paths }), ..request };
    Ok(session.call(session.users().update_current_user(request)).await?.into_inner().user.expect("a user"))
}

fn other_address(email: &str) -> pb::UpdateCurrentUserRequest {
    pb::UpdateCurrentUserRequest {
        email: Some(email.into()),
        password: PASSWORD.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn names_and_numbers_change_and_are_cleared() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let request = pb::UpdateCurrentUserRequest {
        first_name: Some(" Anna ".into()),
        username: Some("Anna.Gil".into()),
        phone_number: Some("+34 600 000 000".into()),
        ..Default::default()
    };
    let user = update(&session, &["first_name", "username", "phone_number"], request).await.expect("changed");
    assert_eq!((user.first_name.as_str(), user.last_name.as_str()), ("Anna", "Gil"));
    assert_eq!(user.phone_number.as_deref(), Some("+34600000000"));
    let encrypted = auth.text("select phone_number from auth.users").await;
    assert!(encrypted.starts_with("v1.k1."), "{encrypted}");
    let stale =
        pb::UpdateCurrentUserRequest { expected_version: Some(user.version - 1), ..Default::default() };
    assert_eq!(
        error_reason(
            update(
                &session,
                &["first_name"],
                pb::UpdateCurrentUserRequest { first_name: Some("X".into()), ..stale }
            )
            .await
        ),
        "VERSION_MISMATCH"
    );
    let user = update(&session, &["username", "phone_number"], pb::UpdateCurrentUserRequest::default())
        .await
        .expect("cleared");
    assert_eq!((user.username, user.phone_number), (None, None));
    auth.user("bo@example.com").await;
    let bo = auth.session("bo@example.com").await;
    let name =
        |name: &str| pb::UpdateCurrentUserRequest { username: Some(name.into()), ..Default::default() };
    update(&session, &["username"], name("anna")).await.expect("the username is free again");
    assert_eq!(
        error_reason(update(&bo, &["username"], name("ANNA")).await),
        "VALIDATION_FAILED",
        "taken, in any letter case"
    );
    assert_eq!(
        error_reason(update(&bo, &["first_name"], pb::UpdateCurrentUserRequest::default()).await),
        "VALIDATION_FAILED"
    );
}

#[tokio::test]
async fn another_address_needs_the_password_and_takes_effect_when_confirmed() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let bare = pb::UpdateCurrentUserRequest { password: String::new(), ..other_address("new@example.org") };
    assert_eq!(error_reason(update(&session, &["email"], bare).await), "VALIDATION_FAILED");
    let wrong = pb::UpdateCurrentUserRequest {
        password: "a wrong password".into(),
        ..other_address("new@example.org")
    };
    assert_eq!(error_reason(update(&session, &["email"], wrong).await), "VALIDATION_FAILED");
    let user = update(&session, &["email"], other_address("new@example.org")).await.expect("requested");
    assert_eq!(
        (user.email.as_str(), user.pending_email.as_deref()),
        ("ana@example.com", Some("new@example.org"))
    );
    auth.login("ana@example.com", PASSWORD).await.expect("the old address is still in use");
    let secrets = auth.challenge().await;
    assert_eq!(secrets.recipient.expect("a recipient").email, "new@example.org");
    let request =
        pb::VerifyEmailRequest { email: "new@example.org".into(), code: secrets.code, ..Default::default() };
    auth.verify(request).await.expect("confirmed by code");
    auth.login("new@example.org", PASSWORD).await.expect("the new address");
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    let me = auth.me(&session.tokens.access_token).await.expect("me");
    assert_eq!((me.email.as_str(), me.pending_email), ("new@example.org", None));
    // The previous address is notified.
    let id = auth.text("select entity_id::text from auth.events where kind = 'email_changed'").await;
    let former = auth.previous_email(&id).await;
    assert_eq!(former, "ana@example.com");
}

#[tokio::test]
async fn a_change_to_a_taken_address_gets_the_same_response() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    auth.user("bo@example.com").await;
    let session = auth.session("ana@example.com").await;
    let user =
        update(&session, &["email"], other_address("bo@example.com")).await.expect("the same response");
    assert_eq!(user.pending_email.as_deref(), Some("bo@example.com"));
    let recorded = "select string_agg(email || ' ' || kind, ',' order by kind) from auth.events
                join auth.users on users.id = user_id
                where kind in ('already_registered', 'email_change_requested')";
    let expected = "bo@example.com already_registered,ana@example.com email_change_requested";
    assert_eq!(auth.text(recorded).await, expected, "only the owner of the address is notified");
    let id = auth.text("select entity_id::text from auth.events where kind = 'email_change_requested'").await;
    assert_eq!(error_reason(auth.challenge_of(&id).await), "CHALLENGE_LAPSED", "no link is sent");
    let own =
        update(&session, &["email"], other_address("ANA@example.com")).await.expect("the current address");
    assert_eq!(own.pending_email, None, "the current address cancels the change");
}

#[tokio::test]
async fn emails_sent_to_the_former_address_are_void() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let forgot = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(forgot)).await.expect("202");
    let reset = auth.challenge().await.token;
    auth.clock.advance(chrono::TimeDelta::milliseconds(1));
    update(&session, &["email"], other_address("new@example.org")).await.expect("requested");
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("confirmed");
    let request = pb::ResetPasswordRequest {
        token: reset,
        new_password: "four quiet words here".into(),
        ..Default::default()
    };
    assert_eq!(error_reason(auth.identity().reset_password(request).await), "VERIFICATION_INVALID");
}

#[tokio::test]
async fn an_unverified_address_is_free() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    auth.register(crate::support::ana("squatted@example.org")).await.expect("registered, never verified");
    let id = auth.text("select id::text from auth.challenges where closed_at is null").await;
    let squatters = auth.challenge_of(&id).await.expect("a link").token;
    let session = auth.session("ana@example.com").await;
    update(&session, &["email"], other_address("squatted@example.org")).await.expect("requested");
    let id = auth.text("select id::text from auth.challenges where purpose = 'change_email'").await;
    let token = auth.challenge_of(&id).await.expect("a link").token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("confirmed");
    auth.login("squatted@example.org", PASSWORD).await.expect("the new address");
    assert_eq!(auth.text("select actor from auth.events where kind = 'released'").await, "auth");
    let request = pb::VerifyEmailRequest { token: squatters, ..Default::default() };
    assert_eq!(error_reason(auth.verify(request).await), "VERIFICATION_INVALID");
    auth.register(crate::support::ana("operator@example.org")).await.expect("registered, never verified");
    assert!(matches!(auth.make_admin("operator@example.org").await, auth_svc::AdminCreated::Created { .. }));
}
