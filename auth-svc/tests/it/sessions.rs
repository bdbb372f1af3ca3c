//! Sessions and devices as their user manages them.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;

use crate::support::{Auth, PASSWORD, as_user, error_reason};

fn from_device(device_id: &str, name: &str) -> pb::LoginRequest {
    let device = pb::Device { device_id: device_id.into(), name: name.into(), ..Default::default() };
    let (email, password) = ("ana@example.com".into(), PASSWORD.into());
    pb::LoginRequest { email, password, device: Some(device), ..Default::default() }
}

#[tokio::test]
async fn any_session_can_be_seen_and_ended_from_any_other() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let other = auth.login_with(from_device("phone", "Ana's phone")).await.expect("login");
    auth.clock.advance(TimeDelta::seconds(1));
    let current = auth.session("ana@example.com").await;
    let list =
        current.call(current.sessions().list_sessions(pb::ListSessionsRequest {})).await.expect("a list");
    let sessions = list.into_inner().sessions;
    let seen: Vec<_> = sessions
        .iter()
        .map(|session| (session.id.as_str(), session.is_current, session.device_name.as_str()))
        .collect();
    let expected = [
        (current.tokens.session_id.as_str(), true, "tests"),
        (other.session_id.as_str(), false, "Ana's phone"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(sessions[0].client_ip, "192.0.2.1");
    let end = async |id: &str| {
        current
            .call(current.sessions().revoke_session(pb::RevokeSessionRequest { session_id: id.into() }))
            .await
    };
    end(&other.session_id).await.expect("ended");
    assert_eq!(error_reason(auth.refresh(&other.refresh_token).await), "REFRESH_TOKEN_INVALID");
    assert_eq!(error_reason(end(&other.session_id).await), "NOT_FOUND", "it has ended");
    auth.user("eve@example.com").await;
    let eve = auth.session("eve@example.com").await;
    assert_eq!(error_reason(end(&eve.tokens.session_id).await), "NOT_FOUND", "a session of another user");
    assert_eq!(error_reason(end("nonsense").await), "NOT_FOUND");
    auth.me(&eve.tokens.access_token).await.expect("the session continues");
}

#[tokio::test]
async fn a_new_device_is_reported_except_the_first() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let recorded = "select count(*)::text from auth.events where entity = 'device' and kind = 'added'";
    auth.login_with(from_device("phone", "Phone")).await.expect("the first");
    auth.login_with(from_device("phone", "Phone, renamed")).await.expect("the same");
    assert_eq!(auth.text(recorded).await, "0");
    assert!(!auth.security_events("ana@example.com").await.contains(&"new_device".to_owned()));
    auth.login_with(from_device("laptop", "Laptop")).await.expect("another");
    assert_eq!(auth.text(recorded).await, "1");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device");
    // Without an id, the user agent and the network distinguish devices.
    auth.login("ana@example.com", PASSWORD).await.expect("a device by user agent and network");
    auth.login("ana@example.com", PASSWORD).await.expect("the same");
    assert_eq!(auth.text(recorded).await, "2");
    let request =
        pb::LoginRequest { email: "ana@example.com".into(), password: PASSWORD.into(), ..Default::default() };
    auth.from("203.0.113.5", auth.identity().login(request)).await.expect("a device in another network");
    assert_eq!(auth.text(recorded).await, "3");
}

#[tokio::test]
async fn a_device_can_be_trusted_and_deleted_with_its_sessions() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let phone = auth.login_with(from_device("phone", "Phone")).await.expect("login");
    let current = auth.session("ana@example.com").await;
    let list =
        current.call(current.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    let devices = list.into_inner().devices;
    let found = devices.iter().find(|device| device.name == "Phone").expect("the phone").clone();
    assert!(!found.is_trusted && !found.is_current);
    let update = async |version| {
        let device_id = found.id.clone();
        let request =
            pb::UpdateDeviceRequest { device_id, expected_version: Some(version), is_trusted: Some(true) };
        current.call(current.sessions().update_device(request)).await
    };
    let trusted = update(1).await.expect("trusted").into_inner().device.expect("a device");
    assert!(trusted.is_trusted && trusted.version == 2);
    assert_eq!(error_reason(update(1).await), "VERSION_MISMATCH");
    auth.user("eve@example.com").await;
    let eve = auth.session("eve@example.com").await;
    let deletion = || pb::DeleteDeviceRequest { device_id: found.id.clone(), expected_version: None };
    assert_eq!(error_reason(eve.call(eve.sessions().delete_device(deletion())).await), "NOT_FOUND");
    let stale = pb::DeleteDeviceRequest { expected_version: Some(1), ..deletion() };
    assert_eq!(error_reason(current.call(current.sessions().delete_device(stale)).await), "VERSION_MISMATCH");
    current.call(current.sessions().delete_device(deletion())).await.expect("deleted");
    assert_eq!(error_reason(auth.refresh(&phone.refresh_token).await), "REFRESH_TOKEN_INVALID");
    auth.login_with(from_device("phone", "Phone")).await.expect("login");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device", "the device is new again");
}

#[tokio::test]
async fn a_login_after_deleting_every_device_is_from_a_new_device() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let attacker = auth.session("ana@example.com").await;
    let list =
        attacker.call(attacker.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    for device in list.into_inner().devices {
        let request = pb::DeleteDeviceRequest { device_id: device.id, expected_version: None };
        attacker.call(attacker.sessions().delete_device(request)).await.expect("deleted");
    }
    auth.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device");
}

#[tokio::test]
async fn device_texts_are_limited() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    for request in [
        from_device(&"x".repeat(201), "Phone"),
        from_device("phone", &"x".repeat(101)),
        from_device("a\nb", ""),
    ] {
        assert_eq!(error_reason(auth.login_with(request).await), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn the_list_of_devices_is_limited() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    for number in 0..55 {
        let name = format!("phone {number}");
        let tokens = auth.login_with(from_device(&name, &name)).await.expect("login");
        as_user(&tokens.access_token, auth.identity().logout(pb::LogoutRequest::default()))
            .await
            .expect("logged out");
        auth.clock.advance(TimeDelta::seconds(1));
    }
    let ana = auth.session("ana@example.com").await;
    let list = ana.call(ana.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    let names: Vec<_> = list.into_inner().devices.into_iter().map(|device| device.name).collect();
    assert!(names.iter().any(|name| name == "phone 54"), "the newest");
    assert!(!names.iter().any(|name| name == "phone 0"), "the oldest is deleted");
    let deleted = "select count(*)::text from auth.events where entity = 'device' and kind = 'deleted'";
    assert_eq!(auth.text(deleted).await, (56 - names.len()).to_string(), "each deletion is recorded");
}

/// Checks that an access token without the password is not enough.
#[tokio::test]
async fn changes_to_credentials_need_a_recent_reauthentication() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let other = auth.login_with(from_device("phone", "Phone")).await.expect("login");
    let current = auth.session("ana@example.com").await;
    let list =
        current.call(current.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    let device_id = list.into_inner().devices[0].id.clone();
    auth.clock.advance(TimeDelta::minutes(5));
    let update = async |path: &str, request: pb::UpdateCurrentUserRequest| {
        let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        current
            .call(
                current.users().update_current_user(pb::UpdateCurrentUserRequest { update_mask, ..request }),
            )
            .await
    };
    let named = || pb::UpdateCurrentUserRequest { username: Some("thief".into()), ..Default::default() };
    let reached =
        || pb::UpdateCurrentUserRequest { phone_number: Some("+34600999999".into()), ..Default::default() };
    let trust = || pb::UpdateDeviceRequest {
        device_id: device_id.clone(),
        is_trusted: Some(true),
        ..Default::default()
    };
    let deletion = pb::DeleteDeviceRequest { device_id: device_id.clone(), ..Default::default() };
    let end = pb::RevokeSessionRequest { session_id: other.session_id.clone() };
    let confirm = pb::ConfirmTotpRequest { code: "123456".into() };
    let rejections = [
        error_reason(current.call(current.mfa().enroll_totp(pb::EnrollTotpRequest {})).await),
        error_reason(current.call(current.mfa().confirm_totp(confirm)).await),
        error_reason(update("username", named()).await),
        error_reason(update("phone_number", reached()).await),
        error_reason(current.call(current.sessions().update_device(trust())).await),
        error_reason(current.call(current.sessions().delete_device(deletion)).await),
        error_reason(current.call(current.sessions().revoke_session(end)).await),
        error_reason(
            as_user(&current.tokens.access_token, auth.identity().logout_all(pb::LogoutAllRequest {})).await,
        ),
    ];
    assert_eq!(rejections, ["REAUTHENTICATION_REQUIRED"; 8]);
    update(
        "first_name",
        pb::UpdateCurrentUserRequest { first_name: Some("Anna".into()), ..Default::default() },
    )
    .await
    .expect("a name needs no reauthentication");
    let reauthenticate = async |password: &str| {
        let request = pb::ReauthenticateRequest { password: password.to_owned(), ..Default::default() };
        current.call(current.sessions().reauthenticate(request)).await
    };
    assert_eq!(error_reason(reauthenticate("a wrong password").await), "VALIDATION_FAILED");
    assert_eq!(error_reason(update("username", named()).await), "REAUTHENTICATION_REQUIRED");
    reauthenticate(PASSWORD).await.expect("the right password");
    update("username", named()).await.expect("a username");
    current.call(current.sessions().update_device(trust())).await.expect("a trusted device");
    // The reauthentication is valid in this session only, and for five minutes.
    let request = pb::UpdateCurrentUserRequest {
        username: Some("another".into()),
        update_mask: Some(prost_types::FieldMask { paths: vec!["username".into()] }),
        ..Default::default()
    };
    let elsewhere = as_user(&other.access_token, current.users().update_current_user(request)).await;
    assert_eq!(error_reason(elsewhere), "REAUTHENTICATION_REQUIRED");
    auth.clock.advance(TimeDelta::minutes(5));
    assert_eq!(
        error_reason(current.call(current.mfa().enroll_totp(pb::EnrollTotpRequest {})).await),
        "REAUTHENTICATION_REQUIRED"
    );
}

#[tokio::test]
async fn reauthentication_needs_the_second_factor() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let current = auth.session("ana@example.com").await;
    let (totp, _) = current.enroll().await;
    auth.clock.advance(TimeDelta::minutes(5));
    let change = || pb::ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: "four quiet words here".into(),
    };
    let changed = current.call(current.users().change_password(change())).await;
    assert_eq!(error_reason(changed), "REAUTHENTICATION_REQUIRED", "the password alone is not enough");
    let reauthenticate = async |code: &str| {
        let request = pb::ReauthenticateRequest { password: PASSWORD.into(), code: code.to_owned() };
        current.call(current.sessions().reauthenticate(request)).await
    };
    assert_eq!(error_reason(reauthenticate("").await), "MFA_REQUIRED");
    assert_eq!(error_reason(reauthenticate("000000000").await), "MFA_CODE_INVALID");
    assert_eq!(
        error_reason(current.call(current.users().change_password(change())).await),
        "REAUTHENTICATION_REQUIRED"
    );
    reauthenticate(&auth.code(&totp)).await.expect("password and code");
    current.call(current.users().change_password(change())).await.expect("changed");
}
