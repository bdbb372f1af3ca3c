//! Searches all logs, events and tables for the secrets that a scenario uses.
//!
//! Logs are at trace level.

use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::{Layout, Settings, System};
use reqwest::Method;
use serde_json::{Value, json};

use crate::BINARY;
use crate::support::logged_in;

const EMAIL: &str = "secretive@example.com";
const OTHER: &str = "seven silent herons";
const WRONG: &str = "wrong but still secret";
const PHONE: &str = "600765432";

/// Secrets with a description.
type Secrets = Vec<(&'static str, String)>;

async fn story(system: &System) -> Secrets {
    let client = &system.client;
    let mut secrets: Secrets = vec![
        ("the password", PASSWORD.into()),
        ("the next password", OTHER.into()),
        ("a wrong password", WRONG.into()),
        ("the phone number", PHONE.into()),
    ];
    let mut note = |what: &'static str, secret: String| {
        assert!(secret.len() >= 6, "{what} is too short to search for");
        secrets.push((what, secret));
    };
    let first = logged_in(system, EMAIL).await;
    note("the link of the verification", system.mailbox.wait("verification", EMAIL).await.token());
    for field in ["access_token", "refresh_token"] {
        note("a token of the first login", first.text(field));
    }
    let token = first.text("access_token");
    let send = async |method: Method, path: &str, body: Value| {
        let request = client.request(method, path).bearer_auth(&token);
        client.send(if body.is_null() { request } else { request.json(&body) }).await
    };
    client.post("/api/v1/auth/login", json!({"email": EMAIL, "password": WRONG})).await;
    let phone = json!({"phone_number": format!("+34{PHONE}")});
    assert_eq!(send(Method::PATCH, "/api/v1/users/me", phone).await.status, 200);
    // Malformed bodies that contain a secret.
    for body in [
        format!("{{\"password\": \"{WRONG}\""),
        format!("{{\"password\": [\"{WRONG}\"]}}"),
        format!("{{\"{WRONG}\": 1}}"),
    ] {
        let request =
            client.request(Method::POST, "/api/v1/auth/login").header("content-type", "application/json");
        let response = client.send(request.body(body)).await;
        assert_eq!(response.status, 400);
    }
    let enrollment = send(Method::POST, "/api/v1/auth/mfa/totp", Value::Null).await;
    note("the seed", enrollment.text("secret"));
    let change = json!({"current_password": WRONG, "new_password": OTHER});
    assert_eq!(send(Method::POST, "/api/v1/users/me/change-password", change).await.status, 422);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    assert_eq!(send(Method::POST, "/api/v1/users/me/change-password", change).await.status, 204);
    client.post("/api/v1/auth/forgot-password", json!({"email": EMAIL})).await;
    let message = system.mailbox.wait("password_reset", EMAIL).await;
    note("the link of the reset", message.token());
    assert_eq!(client.page(client.request(Method::GET, "/reset-password")).await.0, 200);
    let reset = json!({"token": message.token(), "new_password": PASSWORD});
    assert_eq!(client.post("/api/v1/auth/reset-password", reset).await.status, 204);
    let again = client.login(EMAIL).await;
    let next =
        client.post("/api/v1/auth/refresh", json!({"refresh_token": again.text("refresh_token")})).await;
    for response in [&again, &next] {
        for field in ["access_token", "refresh_token"] {
            note("a token", response.text(field));
        }
    }
    // An invalid token, in a header and in a body.
    let forged = format!("{}x", next.text("access_token"));
    assert_eq!(client.get_as(&forged, "/api/v1/users/me").await.status, 401);
    client
        .post("/api/v1/auth/refresh", json!({"refresh_token": format!("{}x", next.text("refresh_token"))}))
        .await;
    let export = client.get_as(&next.text("access_token"), "/api/v1/users/me/export").await;
    assert_eq!(export.status, 200);
    secrets
}

pub async fn no_secret_is_in_any_log_event_or_table(layout: Layout) {
    let settings = Settings { log_level: "trace", ..Settings::default() };
    let mut system = System::start_with(BINARY, layout, settings).await;
    let secrets = story(&system).await;
    let dump = system.dump().await;
    system.terminate().await;
    let logs = system.logs();
    assert!(
        logs.contains("/api/v1/auth/login") && logs.contains("TRACE"),
        "the logs are verbose: {} bytes",
        logs.len()
    );
    assert!(
        dump.iter().any(|(table, row)| table == "auth.users" && row.contains(EMAIL)),
        "the dump is complete"
    );
    for (what, secret) in &secrets {
        let line = logs.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{what} is in the logs: {line:?}");
        let place = dump.iter().find(|(_, row)| row.contains(secret.as_str()));
        assert!(place.is_none(), "{what} is in the database: {place:?}");
    }
    // Email addresses must not be in logs either.
    assert!(!logs.contains(EMAIL), "an address is in the logs");
}
