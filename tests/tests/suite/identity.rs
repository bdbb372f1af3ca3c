//! From a stranger to a person with a session, and out again.

use std::time::Duration;

use fintrac_tests::client::Answer;
use fintrac_tests::suite::Suite;
use reqwest::Method;
use serde_json::json;

/// A verified user with a session.
pub async fn logged_in(suite: &Suite, email: &str) -> Answer {
    assert_eq!(suite.client.register(email).await.status, 202);
    let token = suite.mailbox.wait("verification", email).await.token();
    let verified = suite.client.post("/api/v1/auth/verify-email", json!({"token": token})).await;
    assert_eq!(verified.status, 204, "{verified:?}");
    let login = suite.client.login(email).await;
    assert_eq!(login.status, 200, "{login:?}");
    login
}

/// Waits until the token is refused, as it must be within a second everywhere.
pub async fn refused_soon(suite: &Suite, access_token: &str) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let refused = async {
        loop {
            tick.tick().await;
            let answer = suite.client.get_as(access_token, "/api/v1/users/me").await;
            if answer.status == 401 {
                assert_eq!(answer.code(), "SESSION_ENDED");
                return;
            }
            assert_eq!(answer.status, 200);
        }
    };
    tokio::time::timeout(Duration::from_mins(1), refused).await.expect("the session ends");
}

pub async fn a_person_gets_in_by_link(suite: &Suite) {
    let email = "link@example.com";
    assert_eq!(suite.client.register(email).await.status, 202);
    let early = suite.client.login(email).await;
    assert_eq!((early.status, early.code()), (403, "EMAIL_NOT_VERIFIED"));
    let mail = suite.mailbox.wait("verification", email).await;
    assert_eq!(mail.subject, "Confirma tu dirección de correo");
    assert!(mail.text.contains("http://gateway.example/verify-email#token="), "{}", mail.text);
    let verified = suite.client.post("/api/v1/auth/verify-email", json!({"token": mail.token()})).await;
    assert_eq!(verified.status, 204);
    assert!(suite.mailbox.wait("welcome", email).await.text.contains("Hola, Ana:"));

    let login = suite.client.login("LINK@example.com").await;
    assert_eq!(
        (login.status, login.text("token_type").as_str(), login.body["expires_in"].as_i64()),
        (200, "Bearer", Some(900))
    );
    assert_eq!(login.headers["cache-control"], "no-store");
    let me = suite.client.get_as(&login.text("access_token"), "/api/v1/users/me/").await;
    assert_eq!(
        (me.status, me.text("email").as_str(), me.text("phone_number").as_str()),
        (200, email, "+34600000000")
    );
    assert_eq!(me.body, login.body["user"]);
    assert!(me.headers["etag"].to_str().is_ok_and(|tag| tag.starts_with('"')), "a strong tag");

    let refreshed = suite
        .client
        .post("/api/v1/auth/refresh", json!({"refresh_token": login.text("refresh_token")}))
        .await;
    assert_eq!((refreshed.status, refreshed.text("session_id")), (200, login.text("session_id")));
    let token = refreshed.text("access_token");
    assert_eq!(suite.client.get_as(&token, "/api/v1/users/me").await.status, 200);
    assert_eq!(suite.client.post_as(&token, "/api/v1/auth/logout").await.status, 204);
    refused_soon(suite, &token).await;
    let late = suite
        .client
        .post("/api/v1/auth/refresh", json!({"refresh_token": refreshed.text("refresh_token")}))
        .await;
    assert_eq!((late.status, late.code()), (401, "REFRESH_TOKEN_INVALID"));
}

pub async fn a_person_gets_in_by_code(suite: &Suite) {
    let email = "code@example.com";
    assert_eq!(suite.client.register(email).await.status, 202);
    let code = suite.mailbox.wait("verification", email).await.code();
    let verified =
        suite.client.post("/api/v1/auth/verify-email", json!({"email": email, "code": code})).await;
    assert_eq!(verified.status, 204);
    let (one, two) = (suite.client.login(email).await, suite.client.login(email).await);
    assert_eq!(suite.client.post_as(&one.text("access_token"), "/api/v1/auth/logout-all").await.status, 204);
    refused_soon(suite, &one.text("access_token")).await;
    refused_soon(suite, &two.text("access_token")).await;
}

pub async fn a_person_gets_in_by_the_page(suite: &Suite) {
    let email = "page@example.com";
    assert_eq!(suite.client.register(email).await.status, 202);
    let token = suite.mailbox.wait("verification", email).await.token();
    // The token is behind the #, which a browser does not send; a script puts it into the form.
    for _ in 0..2 {
        let (status, page) = suite.client.page(suite.client.request(Method::GET, "/verify-email")).await;
        assert!(status == 200 && page.contains("<button"), "{page}");
        assert!(page.contains(r#"name="token" value="""#) && page.contains("/pages.js"), "{page}");
    }
    let (status, script) = suite.client.page(suite.client.request(Method::GET, "/pages.js")).await;
    assert!(status == 200 && script.contains("location.hash"), "{script}");
    assert_eq!(suite.client.login(email).await.status, 403, "looking at the page verifies nothing");
    let press = || {
        let request = suite.client.request(Method::POST, "/verify-email").header("accept-language", "es");
        request.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"))
    };
    let (status, page) = suite.client.page(press()).await;
    assert!(status == 200 && page.contains("Dirección confirmada"), "{page}");
    assert_eq!(suite.client.login(email).await.status, 200);
    let (status, page) = suite.client.page(press()).await;
    assert!(status == 200 && page.contains("Dirección confirmada"), "a second look: {page}");
    let wrong = suite.client.request(Method::POST, "/verify-email").header("accept-language", "es");
    let wrong = wrong.header("content-type", "application/x-www-form-urlencoded").body("token=x");
    let (status, page) = suite.client.page(wrong).await;
    assert!(status == 422 && page.contains("Este enlace no funciona"), "{page}");
}

pub async fn a_second_registration_is_told_to_the_owner(suite: &Suite) {
    let email = "twice@example.com";
    logged_in(suite, email).await;
    assert_eq!(suite.client.register(email).await.status, 202);
    assert_eq!(suite.mailbox.wait("already_registered", email).await.subject, "Ya tienes una cuenta");
    let resend = suite.client.post("/api/v1/auth/resend-verification", json!({"email": email})).await;
    assert_eq!(resend.status, 202);
    let unknown =
        suite.client.post("/api/v1/auth/resend-verification", json!({"email": "no@example.com"})).await;
    assert_eq!((unknown.status, unknown.body), (resend.status, resend.body));
}
