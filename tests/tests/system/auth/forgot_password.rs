//! `/auth/forgot-password` and `/auth/reset-password`.

use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{logged_in, wait_until_rejected};

const NEW_PASSWORD: &str = "four quiet words here";

pub async fn a_forgotten_password_is_reset(system: &System) {
    let email = "forgetful@example.com";
    let session = logged_in(system, email).await;
    let forgot =
        async |email: &str| system.client.post("/api/v1/auth/forgot-password", json!({"email": email})).await;
    let (known, unknown) = (forgot(email).await, forgot("unknown@example.com").await);
    assert_eq!((known.status, &known.body), (202, &Value::Null));
    assert_eq!((unknown.status, &unknown.body), (known.status, &known.body));
    let message = system.mailbox.wait("password_reset", email).await;
    assert_eq!(message.subject, "Elige una contraseña nueva");
    assert!(message.text.contains("http://gateway.example/reset-password#token="), "{}", message.text);
    let (status, page) = system.client.page(system.client.request(Method::GET, "/reset-password")).await;
    assert!(status == 200 && page.contains("type=\"password\"") && page.contains("/pages.js"), "{page}");
    let press = |password: &str| {
        let body = format!("token={}&new_password={}", message.token(), password.replace(' ', "+"));
        let request = system.client.request(Method::POST, "/reset-password").body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let (status, page) = system.client.page(press("password12345")).await;
    assert!(status == 422 && page.contains("Choose another password") && page.contains("<button"), "{page}");
    let (status, page) = system.client.page(press(NEW_PASSWORD)).await;
    assert!(status == 200 && page.contains("Password changed"), "{page}");
    let (status, page) = system.client.page(press(NEW_PASSWORD)).await;
    assert!(status == 422 && page.contains("This link does not work"), "{page}");
    let login = async |password: &str| {
        system.client.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
    };
    wait_until_rejected(system, &session.text("access_token")).await;
    assert_eq!(login(PASSWORD).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(login(NEW_PASSWORD).await.status, 200);
    system.mailbox.wait("password_changed", email).await;
}
