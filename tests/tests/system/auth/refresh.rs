//! `/auth/refresh`.

use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{logged_in, wait_until_rejected};

pub async fn a_reused_refresh_token_ends_the_session(system: &System) {
    let login = logged_in(system, "reused@example.com").await;
    let first = login.text("refresh_token");
    let refresh =
        async |token: &str| system.client.post("/api/v1/auth/refresh", json!({"refresh_token": token})).await;
    let second = refresh(&first).await.text("refresh_token");
    assert_eq!(refresh(&second).await.status, 200);
    let reused = refresh(&first).await;
    assert_eq!((reused.status, reused.code()), (401, "REFRESH_TOKEN_REUSED"));
    wait_until_rejected(system, &login.text("access_token")).await;
}
