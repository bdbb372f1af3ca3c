//! Rejected requests and their problem responses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_tests::client::ApiResponse;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::json;

use crate::identity::{logged_in, wait_until_rejected};
use crate::money::TestUser;

const ME: &str = "/api/v1/users/me";

pub async fn invalid_credentials_and_tokens_are_rejected(system: &System) {
    let unknown = system.client.login("stranger@example.com").await;
    assert_eq!((unknown.status, unknown.code()), (401, "INVALID_CREDENTIALS"));
    let none = system.client.get(ME).await;
    assert_eq!((none.status, none.code()), (401, "TOKEN_MISSING"));
    assert_eq!(none.headers["www-authenticate"], "Bearer");

    let login = logged_in(system, "spent@example.com").await;
    let access_token = login.text("access_token");
    let parts: Vec<_> = access_token.split('.').collect();
    let none_header = BASE64.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let forged = [
        format!("{}.{}.{}", parts[0], parts[1], BASE64.encode([7; 64])),
        format!("{none_header}.{}.", parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        login.text("refresh_token"),
        "x".repeat(7000),
    ];
    for token in forged {
        let response = system.client.get_as(&token, ME).await;
        assert_eq!((response.status, response.code()), (401, "TOKEN_INVALID"), "{token}");
    }

    let first = login.text("refresh_token");
    let refresh =
        async |token: &str| system.client.post("/api/v1/auth/refresh", json!({"refresh_token": token})).await;
    let second = refresh(&first).await.text("refresh_token");
    assert_eq!(refresh(&second).await.status, 200);
    let reused = refresh(&first).await;
    assert_eq!((reused.status, reused.code()), (401, "REFRESH_TOKEN_REUSED"));
    wait_until_rejected(system, &access_token).await;
}

pub async fn framework_errors_are_problem_json(system: &System) {
    const LOGIN: &str = "/api/v1/auth/login";
    let client = &system.client;
    let json = |body: &str| {
        client.request(Method::POST, LOGIN).header("content-type", "application/json").body(body.to_owned())
    };
    for (request, status, code) in [
        (client.request(Method::GET, "/api/v1/nothing"), 404, "NOT_FOUND"),
        (client.request(Method::PUT, LOGIN), 405, "METHOD_NOT_ALLOWED"),
        (json(&"x".repeat(3_000_000)), 413, "PAYLOAD_TOO_LARGE"),
        (client.request(Method::POST, LOGIN).body("{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (json("{"), 400, "MALFORMED_BODY"),
        (json(r#"{"email":1}"#), 400, "MALFORMED_BODY"),
        (json(r#"{"nonsense":1}"#), 400, "MALFORMED_BODY"),
        (json(&"x".repeat(12_000_000)), 413, "PAYLOAD_TOO_LARGE"),
        (json(r#"["a"]"#), 400, "MALFORMED_BODY"),
        (json("{}").header("accept-language", "x".repeat(20_000)), 422, "VALIDATION_FAILED"),
        (json("{}").bearer_auth("x".repeat(20_000)), 422, "VALIDATION_FAILED"),
    ] {
        // The client asserts that it is problem+json.
        let response = client.send(request.header("x-request-id", "from-the-test")).await;
        assert_eq!((response.status, response.code()), (status, code));
        assert_eq!(response.text("request_id"), "from-the-test");
    }
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
    let nul = system.client.post("/api/v1/auth/login", json!({"email": "a\0b", "password": "x"})).await;
    assert_eq!((nul.status, nul.body["errors"][0]["code"].as_str()), (422, Some("NUL_CHARACTER")));
    for path in ["/api/v1/users/me?x=%00", "/api/v1/admin/users?search=a%00b", "/api/v1/%00"] {
        let nul = system.client.get(path).await;
        assert_eq!((nul.status, nul.code()), (400, "MALFORMED_REQUEST"), "{path}");
    }
}

/// An incomplete filter must not return everything.
pub async fn incomplete_requests_are_rejected(system: &System) {
    let ana = TestUser::new(system, "half-sent@example.com").await;
    let fields = |response: &ApiResponse| -> Vec<String> {
        let errors = response.body["errors"].as_array().expect("errors");
        errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
    };
    for (query, expected) in [
        ("?account_id=", ["account_id"].as_slice()),
        ("?q=&tag&type=expense", ["q", "tag"].as_slice()),
        ("?page_token=", ["page_token"].as_slice()),
    ] {
        let response = ana.get(&format!("/api/v1/transactions{query}")).await;
        assert_eq!(
            (response.status, response.code(), fields(&response)),
            (400, "QUERY_INVALID", owned(expected))
        );
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
