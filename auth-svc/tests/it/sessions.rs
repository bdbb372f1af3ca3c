//! Sessions and devices, as their user sees them.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;

use crate::support::{Auth, PASSWORD, as_user, why};

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
    let mine = auth.session("ana@example.com").await;
    let list = mine.call(mine.sessions().list_sessions(pb::ListSessionsRequest {})).await.expect("a list");
    let sessions = list.into_inner().sessions;
    let seen: Vec<_> =
        sessions.iter().map(|it| (it.id.as_str(), it.is_current, it.device_name.as_str())).collect();
    let expected =
        [(mine.tokens.session_id.as_str(), true, "tests"), (other.session_id.as_str(), false, "Ana's phone")];
    assert_eq!(seen, expected);
    assert_eq!(sessions[0].client_ip, "192.0.2.1");
    let end = async |id: &str| {
        mine.call(mine.sessions().end_session(pb::EndSessionRequest { session_id: id.into() })).await
    };
    end(&other.session_id).await.expect("ended");
    assert_eq!(why(auth.refresh(&other.refresh_token).await), "REFRESH_TOKEN_INVALID");
    assert_eq!(why(end(&other.session_id).await), "NOT_FOUND", "it has ended");
    auth.user("eve@example.com").await;
    let eve = auth.session("eve@example.com").await;
    assert_eq!(why(end(&eve.tokens.session_id).await), "NOT_FOUND", "somebody else's");
    assert_eq!(why(end("nonsense").await), "NOT_FOUND");
    auth.me(&eve.tokens.access_token).await.expect("it goes on");
}

#[tokio::test]
async fn a_new_device_is_told_but_not_the_first() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let told = "select count(*)::text from auth.events where entity = 'device' and kind = 'added'";
    auth.login_with(from_device("phone", "Phone")).await.expect("the first");
    auth.login_with(from_device("phone", "Phone, renamed")).await.expect("the same");
    assert_eq!(auth.text(told).await, "0");
    assert!(!auth.security_events("ana@example.com").await.contains(&"new_device".to_owned()));
    auth.login_with(from_device("laptop", "Laptop")).await.expect("another");
    assert_eq!(auth.text(told).await, "1");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device");
    // Without an id the program and the network tell it apart.
    auth.login("ana@example.com", PASSWORD).await.expect("by agent and network");
    auth.login("ana@example.com", PASSWORD).await.expect("the same");
    assert_eq!(auth.text(told).await, "2");
    let request =
        pb::LoginRequest { email: "ana@example.com".into(), password: PASSWORD.into(), ..Default::default() };
    auth.from("203.0.113.5", auth.identity().login(request)).await.expect("from elsewhere");
    assert_eq!(auth.text(told).await, "3");
}

#[tokio::test]
async fn a_device_is_trusted_and_forgotten_with_its_sessions() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let phone = auth.login_with(from_device("phone", "Phone")).await.expect("login");
    let mine = auth.session("ana@example.com").await;
    let list = mine.call(mine.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    let devices = list.into_inner().devices;
    let found = devices.iter().find(|device| device.name == "Phone").expect("the phone").clone();
    assert!(!found.is_trusted && !found.is_current);
    let update = async |version| {
        let device_id = found.id.clone();
        let request =
            pb::UpdateDeviceRequest { device_id, if_version: Some(version), is_trusted: Some(true) };
        mine.call(mine.sessions().update_device(request)).await
    };
    let trusted = update(1).await.expect("trusted").into_inner().device.expect("a device");
    assert!(trusted.is_trusted && trusted.version == 2);
    assert_eq!(why(update(1).await), "VERSION_MISMATCH");
    auth.user("eve@example.com").await;
    let eve = auth.session("eve@example.com").await;
    let forget = || pb::ForgetDeviceRequest { device_id: found.id.clone(), if_version: None };
    assert_eq!(why(eve.call(eve.sessions().forget_device(forget())).await), "NOT_FOUND");
    let stale = pb::ForgetDeviceRequest { if_version: Some(1), ..forget() };
    assert_eq!(why(mine.call(mine.sessions().forget_device(stale)).await), "VERSION_MISMATCH");
    mine.call(mine.sessions().forget_device(forget())).await.expect("forgotten");
    assert_eq!(why(auth.refresh(&phone.refresh_token).await), "REFRESH_TOKEN_INVALID");
    auth.login_with(from_device("phone", "Phone")).await.expect("login");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device", "it is unknown again");
}

#[tokio::test]
async fn forgetting_every_device_makes_none_the_first_again() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let thief = auth.session("ana@example.com").await;
    let list = thief.call(thief.sessions().list_devices(pb::ListDevicesRequest {})).await.expect("a list");
    for device in list.into_inner().devices {
        let request = pb::ForgetDeviceRequest { device_id: device.id, if_version: None };
        thief.call(thief.sessions().forget_device(request)).await.expect("forgotten");
    }
    auth.login("ana@example.com", PASSWORD).await.expect("login");
    assert_eq!(auth.security_events("ana@example.com").await[0], "new_device");
}

#[tokio::test]
async fn words_of_a_device_have_their_limits() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    for request in [
        from_device(&"x".repeat(201), "Phone"),
        from_device("phone", &"x".repeat(101)),
        from_device("a\nb", ""),
    ] {
        assert_eq!(why(auth.login_with(request).await), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn a_list_of_devices_has_an_end() {
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
    assert!(!names.iter().any(|name| name == "phone 0"), "the oldest went");
    let forgotten = "select count(*)::text from auth.events where entity = 'device' and kind = 'forgotten'";
    assert_eq!(auth.text(forgotten).await, (56 - names.len()).to_string(), "and each is told");
}
