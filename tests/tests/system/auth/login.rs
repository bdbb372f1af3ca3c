//! `/auth/login`.

use fintrac_tests::system::{Layout, System};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::BINARY;
use crate::support::logged_in;

pub async fn invalid_credentials_are_rejected(system: &System) {
    let unknown = system.client.login("stranger@example.com").await;
    assert_eq!((unknown.status, unknown.code()), (401, "INVALID_CREDENTIALS"));
    let nul = system.client.post("/api/v1/auth/login", json!({"email": "a\0b", "password": "x"})).await;
    assert_eq!((nul.status, nul.body["errors"][0]["code"].as_str()), (422, Some("NUL_CHARACTER")));
}

pub async fn a_flood_of_logins_is_rejected_while_other_requests_succeed() {
    let mut system = System::start(BINARY, Layout::OneProcess).await;
    let token = logged_in(&system, "calm@example.com").await.text("access_token");
    let flood = join_all((0..300).map(async |number| {
        let body = json!({"email": format!("unknown{number}@example.com"), "password": "a wrong password"});
        let request = system.client.request(Method::POST, "/api/v1/auth/login").json(&body);
        let ip = format!("198.51.{}.{}", number / 200, number % 200);
        let response = system.client.send(request.header("x-forwarded-for", ip)).await;
        let has_hint = response.status == 401 || response.headers.contains_key("retry-after");
        assert!(has_hint, "{response:?}");
        response.status
    }));
    let calm = async {
        for _ in 0..100 {
            assert_eq!(system.client.get_as(&token, "/api/v1/users/me").await.status, 200);
        }
    };
    let (statuses, ()) = tokio::join!(flood, calm);
    assert!(statuses.iter().all(|status| [401, 429, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "some logins are rejected");
    assert!(statuses.contains(&401), "some logins are processed");
    assert_eq!(system.client.login("calm@example.com").await.status, 200);
    system.terminate().await;
}
