//! Documents and health endpoints that the gateway serves.

use fintrac_tests::system::System;
use reqwest::Method;

pub async fn documents_and_health_are_served(system: &System) {
    let client = &system.client;
    for path in ["/health", "/health/live", "/health/ready"] {
        let response = client.get(path).await;
        assert_eq!((response.status, response.text("status").as_str()), (200, "ok"), "{path}");
    }
    let document = client.get("/openapi.json").await;
    assert!(document.text("openapi").starts_with("3.1"));
    assert!(document.body["paths"]["/api/v1/auth/login"]["post"].is_object());
    for (path, mark) in [("/docs/", "swagger-ui"), ("/redoc", "/redoc/redoc.standalone.js")] {
        let (status, page) = client.page(client.request(Method::GET, path)).await;
        assert!(status == 200 && page.contains(mark) && !page.contains("https://cdn"), "{path}: {page}");
    }
    let (status, script) = client.page(client.request(Method::GET, "/redoc/redoc.standalone.js")).await;
    assert!(status == 200 && script.len() > 500_000);
    let keys = client.get("/.well-known/jwks.json").await;
    let key = &keys.body["keys"][0];
    assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("OKP"), Some("Ed25519")));
    assert!(key["d"].is_null(), "public keys only");
}
