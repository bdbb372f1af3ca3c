//! Access tokens that every operation rejects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_tests::system::System;

use crate::support::logged_in;

const ME: &str = "/api/v1/users/me";

pub async fn missing_and_invalid_tokens_are_rejected(system: &System) {
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
}
