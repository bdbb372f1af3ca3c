//! Problem responses of requests that reach no operation.

use fintrac_tests::system::System;
use reqwest::Method;

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

pub async fn nul_characters_are_rejected(system: &System) {
    for path in ["/api/v1/users/me?x=%00", "/api/v1/admin/users?search=a%00b", "/api/v1/%00"] {
        let nul = system.client.get(path).await;
        assert_eq!((nul.status, nul.code()), (400, "MALFORMED_REQUEST"), "{path}");
    }
}
