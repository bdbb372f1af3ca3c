//! `/auth/register` and `/auth/verify-email`.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::json;

use crate::support::{logged_in, wait_until_rejected};

pub async fn a_user_registers_by_link(system: &System) {
    let email = "link@example.com";
    assert_eq!(system.client.register(email).await.status, 202);
    let early = system.client.login(email).await;
    assert_eq!((early.status, early.code()), (403, "EMAIL_NOT_VERIFIED"));
    let message = system.mailbox.wait("verification", email).await;
    assert_eq!(message.subject, "Confirma tu dirección de correo");
    assert!(message.text.contains("http://gateway.example/verify-email#token="), "{}", message.text);
    let verified = system.client.post("/api/v1/auth/verify-email", json!({"token": message.token()})).await;
    assert_eq!(verified.status, 204);
    assert!(system.mailbox.wait("welcome", email).await.text.contains("Hola, Ana:"));

    let login = system.client.login("LINK@example.com").await;
    assert_eq!(
        (login.status, login.text("token_type").as_str(), login.body["expires_in"].as_i64()),
        (200, "Bearer", Some(900))
    );
    assert_eq!(login.headers["cache-control"], "no-store");
    let me = system.client.get_as(&login.text("access_token"), "/api/v1/users/me/").await;
    assert_eq!(
        (me.status, me.text("email").as_str(), me.text("phone_number").as_str()),
        (200, email, "+34600000000")
    );
    assert_eq!(me.body, login.body["user"]);
    assert!(me.headers["etag"].to_str().is_ok_and(|tag| tag.starts_with('"')), "a strong ETag");

    let refreshed = system
        .client
        .post("/api/v1/auth/refresh", json!({"refresh_token": login.text("refresh_token")}))
        .await;
    assert_eq!((refreshed.status, refreshed.text("session_id")), (200, login.text("session_id")));
    let token = refreshed.text("access_token");
    assert_eq!(system.client.get_as(&token, "/api/v1/users/me").await.status, 200);
    assert_eq!(system.client.post_as(&token, "/api/v1/auth/logout").await.status, 204);
    wait_until_rejected(system, &token).await;
    let late = system
        .client
        .post("/api/v1/auth/refresh", json!({"refresh_token": refreshed.text("refresh_token")}))
        .await;
    assert_eq!((late.status, late.code()), (401, "REFRESH_TOKEN_INVALID"));
}

pub async fn a_user_registers_by_code(system: &System) {
    let email = "code@example.com";
    assert_eq!(system.client.register(email).await.status, 202);
    let code = system.mailbox.wait("verification", email).await.code();
    let verified =
        system.client.post("/api/v1/auth/verify-email", json!({"email": email, "code": code})).await;
    assert_eq!(verified.status, 204);
    let (one, two) = (system.client.login(email).await, system.client.login(email).await);
    assert_eq!(system.client.post_as(&one.text("access_token"), "/api/v1/auth/logout-all").await.status, 204);
    wait_until_rejected(system, &one.text("access_token")).await;
    wait_until_rejected(system, &two.text("access_token")).await;
}

pub async fn a_user_registers_by_the_page(system: &System) {
    let email = "page@example.com";
    assert_eq!(system.client.register(email).await.status, 202);
    let token = system.mailbox.wait("verification", email).await.token();
    // The token is in the fragment, which browsers do not send; a script copies it into the form.
    for _ in 0..2 {
        let (status, page) = system.client.page(system.client.request(Method::GET, "/verify-email")).await;
        assert!(status == 200 && page.contains("<button"), "{page}");
        assert!(page.contains(r#"name="token" value="""#) && page.contains("/pages.js"), "{page}");
    }
    let (status, script) = system.client.page(system.client.request(Method::GET, "/pages.js")).await;
    assert!(status == 200 && script.contains("location.hash"), "{script}");
    assert_eq!(system.client.login(email).await.status, 403, "opening the page verifies nothing");
    let press = || {
        let request = system.client.request(Method::POST, "/verify-email").header("accept-language", "es");
        request.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"))
    };
    let (status, page) = system.client.page(press()).await;
    assert!(status == 200 && page.contains("Dirección confirmada"), "{page}");
    assert_eq!(system.client.login(email).await.status, 200);
    let (status, page) = system.client.page(press()).await;
    assert!(status == 200 && page.contains("Dirección confirmada"), "the second request: {page}");
    let wrong = system.client.request(Method::POST, "/verify-email").header("accept-language", "es");
    let wrong = wrong.header("content-type", "application/x-www-form-urlencoded").body("token=x");
    let (status, page) = system.client.page(wrong).await;
    assert!(status == 422 && page.contains("Este enlace no funciona"), "{page}");
}

pub async fn a_second_registration_notifies_the_owner(system: &System) {
    let email = "twice@example.com";
    logged_in(system, email).await;
    assert_eq!(system.client.register(email).await.status, 202);
    assert_eq!(system.mailbox.wait("already_registered", email).await.subject, "Ya tienes una cuenta");
    let resend = system.client.post("/api/v1/auth/resend-verification", json!({"email": email})).await;
    assert_eq!(resend.status, 202);
    let unknown =
        system.client.post("/api/v1/auth/resend-verification", json!({"email": "no@example.com"})).await;
    assert_eq!((unknown.status, unknown.body), (resend.status, resend.body));
}

pub async fn every_invalid_field_is_reported_at_once(system: &System) {
    let body = json!({"email": "ana", "password": "short", "first_name": "", "default_currency": "XXX"});
    let request = system.client.request(Method::POST, "/api/v1/auth/register").json(&body);
    let response = system.client.send(request.header("accept-language", "de")).await;
    assert_eq!((response.status, response.text("title").as_str()), (422, "Ungültige Felder"));
    let errors = response.body["errors"].as_array().expect("errors");
    let mut fields: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["default_currency", "email", "first_name", "last_name", "password"]);
}
