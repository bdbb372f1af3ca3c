//! `/auth/devices` and `/auth/sessions`.

use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{logged_in, wait_until_rejected};

pub async fn devices_and_sessions_are_revoked(system: &System) {
    let email = "devices@example.com";
    let first = logged_in(system, email).await;
    let device = json!({"device_id": "another", "name": "Another phone", "platform": "android"});
    let other = system
        .client
        .post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD, "device": device}))
        .await;
    let message = system.mailbox.wait("new_device", email).await;
    assert!(message.text.contains("Another phone"), "{}", message.text);
    let token = first.text("access_token");
    let sessions = system.client.get_as(&token, "/api/v1/auth/sessions").await;
    let names: Vec<_> = sessions.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| (&item["is_current"], &item["device_name"]))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let devices = system.client.get_as(&token, "/api/v1/auth/devices").await;
    let phone = devices.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|item| item["name"] == "Another phone")
        .expect("the device");
    let path = format!("/api/v1/auth/devices/{}", phone["id"].as_str().expect("an id"));
    let trusted = system.client.patch_json_as(&token, &path, json!({"is_trusted": true})).await;
    assert_eq!(
        (trusted.status, &trusted.body["is_trusted"], trusted.headers["etag"].to_str().ok()),
        (200, &json!(true), Some("\"2\""))
    );
    assert_eq!(system.client.delete_as(&token, &path).await.status, 204);
    wait_until_rejected(system, &other.text("access_token")).await;
    let again = system.client.login(email).await;
    let path = format!("/api/v1/auth/sessions/{}", again.text("session_id"));
    assert_eq!(system.client.delete_as(&token, &path).await.status, 204);
    wait_until_rejected(system, &again.text("access_token")).await;
}
