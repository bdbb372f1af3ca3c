//! `/admin/users`, with the audit log and the security events of administrators.

use fintrac_tests::client::ApiResponse;
use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{TestUser, administrator, eventually, wait_until_rejected};

const USERS: &str = "/api/v1/admin/users";

/// A lock also applies to tokens that were already issued.
pub async fn a_lock_applies_within_a_second(system: &System) {
    let target = "target@example.com";
    let admin = administrator(system, "locking-admin@example.com").await;
    let admin = TestUser::with_existing_token(system, &admin);
    let user = TestUser::new(system, target).await;
    let denied = user.get(USERS).await;
    assert_eq!((denied.status, denied.code()), (403, "PERMISSION_DENIED"));
    let found = admin.get(&format!("{USERS}?q=target")).await;
    let id = found.body["data"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("{USERS}/{id}");
    let locked = admin.patch(&path, json!({"is_locked": true})).await;
    assert_eq!((locked.status, locked.text("status").as_str()), (200, "locked"));
    wait_until_rejected(system, user.token()).await;
    let (out, stranger) =
        (system.client.login(target).await, system.client.login("unknown-target@example.com").await);
    assert_eq!(
        (out.status, out.code(), out.text("detail")),
        (stranger.status, stranger.code(), stranger.text("detail"))
    );
    let names = |response: &ApiResponse| {
        let mut names: Vec<_> = response.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), names(&stranger), "the same headers");
    system.mailbox.wait("account_locked", target).await;
    // The audit log has the actor.
    let log = async || {
        let path = format!("/api/v1/admin/audit-log?user_id={id}&action=locked");
        admin.get(&path).await.body["data"][0].clone()
    };
    eventually("the lock is in the audit log", async || log().await["entity"] == "user").await;
    assert_eq!(log().await["client_ip"], "127.0.0.1");
    let security = format!("/api/v1/admin/security-events?user_id={id}&action=permission_denied");
    eventually("the denied request is a security event", async || {
        admin.get(&security).await.body["data"][0]["detail"] == "users:read"
    })
    .await;
    let unlocked = admin.patch(&path, json!({"is_locked": false})).await;
    assert_eq!(unlocked.status, 200);
    assert_eq!(system.client.login(target).await.status, 200);
}

/// Runs alone, because it demotes the administrators of other scenarios.
pub async fn the_last_administrator_remains(system: &System) {
    let admin = administrator(system, "last-admin@example.com").await;
    let admin = TestUser::with_existing_token(system, &admin);
    let own_id = admin.get("/api/v1/users/me").await.text("id");
    let demote = async |id: &str| admin.patch(&format!("{USERS}/{id}"), json!({"roles": ["user"]})).await;
    for other in admin.list_all(&format!("{USERS}?role=admin")).await {
        let id = other["id"].as_str().expect("an id");
        if id != own_id {
            assert_eq!(demote(id).await.status, 200);
        }
    }
    let last = demote(&own_id).await;
    assert_eq!((last.status, last.code()), (409, "LAST_ADMIN"));
}
