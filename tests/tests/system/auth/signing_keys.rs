//! The keys that sign access tokens.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_tests::system::{Layout, System};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::BINARY;
use crate::support::{eventually, logged_in};

/// Reads the key id in a token's header.
fn kid(token: &str) -> String {
    let header = BASE64.decode(token.split('.').next().expect("a header")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a key id").to_owned()
}

pub async fn signing_keys_rotate_under_load_without_a_rejected_request() {
    const ROTATIONS: usize = 3;
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let mut sessions = Vec::new();
    for number in 0..4 {
        sessions.push(logged_in(&system, &format!("load{number}@example.com")).await);
    }
    logged_in(&system, "probe@example.com").await;
    let done = AtomicBool::new(false);
    // Each client calls all services with its newest token, and refreshes it regularly.
    let load = sessions.into_iter().map(async |session| {
        let (mut access, mut refresh) = (session.text("access_token"), session.text("refresh_token"));
        let (mut calls, mut kids) = (0_u32, vec![kid(&access)]);
        let mut is_last = false;
        while !is_last {
            // After the last rotation, each client gets a token once more.
            is_last = done.load(Ordering::Relaxed);
            for path in ["/api/v1/users/me", "/api/v1/accounts", "/api/v1/budgets", "/api/v1/notifications"] {
                let response = system.client.get_as(&access, path).await;
                assert_eq!(response.status, 200, "{path}: {response:?}");
                calls += 1;
            }
            let next = system.client.post("/api/v1/auth/refresh", json!({"refresh_token": refresh})).await;
            assert_eq!(next.status, 200, "{next:?}");
            (access, refresh) = (next.text("access_token"), next.text("refresh_token"));
            kids.push(kid(&access));
            kids.dedup();
        }
        (calls, kids)
    });
    let rotate = async {
        for _ in 0..ROTATIONS {
            let before = kid(&system.client.login("probe@example.com").await.text("access_token"));
            system.run_command(&["rotate-signing"]).await;
            eventually("the key is used", async || {
                kid(&system.client.login("probe@example.com").await.text("access_token")) != before
            })
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let (loads, ()) = tokio::join!(join_all(load), rotate);
    for (calls, kids) in loads {
        assert!(calls > 0 && kids.len() == ROTATIONS + 1, "{calls} calls with {kids:?}");
    }
    system.terminate().await;
}
