//! Tests identity over REST.
//!
//! Passwords, second factors, devices, administrators, IP rules, and key rotation under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fintrac_kit::error::reason;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_tests::client::{ApiResponse, PASSWORD};
use fintrac_tests::system::{Layout, System};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::BINARY;
use crate::identity::{logged_in, wait_until_rejected};

const OTHER: &str = "four quiet words here";

async fn send(system: &System, method: Method, path: &str, token: &str, body: Value) -> ApiResponse {
    let request = system.client.request(method, path).bearer_auth(token);
    system.client.send(if body.is_null() { request } else { request.json(&body) }).await
}

async fn login(system: &System, body: Value) -> ApiResponse {
    system.client.post("/api/v1/auth/login", body).await
}

#[expect(clippy::disallowed_methods, reason = "authenticator apps use the system's clock")]
fn code(totp: &Totp, steps: i64) -> String {
    let now = chrono::Utc::now().timestamp() + steps * 30;
    totp.generate(u64::try_from(now).expect("after 1970")).to_string()
}

/// Enables a second factor and returns it with its recovery codes.
async fn enroll(system: &System, token: &str) -> (Totp, Vec<String>) {
    let enrollment = send(system, Method::POST, "/api/v1/auth/mfa/totp", token, Value::Null).await;
    assert_eq!(enrollment.status, 200, "{enrollment:?}");
    assert!(enrollment.text("qr_svg").contains("<svg"));
    let secret = Secret::try_from_base32(enrollment.text("secret")).expect("base32");
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("a generator");
    let body = json!({"code": code(&totp, 0)});
    let confirmed = send(system, Method::POST, "/api/v1/auth/mfa/totp/confirm", token, body).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes").iter();
    (totp, codes.filter_map(Value::as_str).map(str::to_owned).collect())
}

pub async fn a_forgotten_password_is_reset(system: &System) {
    let email = "forgetful@example.com";
    let session = logged_in(system, email).await;
    let forgot =
        async |email: &str| system.client.post("/api/v1/auth/forgot-password", json!({"email": email})).await;
    let (known, unknown) = (forgot(email).await, forgot("unknown@example.com").await);
    assert_eq!((known.status, &known.body), (202, &Value::Null));
    assert_eq!((unknown.status, &unknown.body), (known.status, &known.body));
    let message = system.mailbox.wait("password_reset", email).await;
    assert_eq!(message.subject, "Elige una contraseña nueva");
    assert!(message.text.contains("http://gateway.example/reset-password#token="), "{}", message.text);
    let (status, page) = system.client.page(system.client.request(Method::GET, "/reset-password")).await;
    assert!(status == 200 && page.contains("type=\"password\"") && page.contains("/pages.js"), "{page}");
    let press = |password: &str| {
        let body = format!("token={}&new_password={}", message.token(), password.replace(' ', "+"));
        let request = system.client.request(Method::POST, "/reset-password").body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let (status, page) = system.client.page(press("password12345")).await;
    assert!(status == 422 && page.contains("Choose another password") && page.contains("<button"), "{page}");
    let (status, page) = system.client.page(press(OTHER)).await;
    assert!(status == 200 && page.contains("Password changed"), "{page}");
    let (status, page) = system.client.page(press(OTHER)).await;
    assert!(status == 422 && page.contains("This link does not work"), "{page}");
    wait_until_rejected(system, &session.text("access_token")).await;
    assert_eq!(
        login(system, json!({"email": email, "password": PASSWORD})).await.code(),
        "INVALID_CREDENTIALS"
    );
    assert_eq!(login(system, json!({"email": email, "password": OTHER})).await.status, 200);
    system.mailbox.wait("password_changed", email).await;
}

pub async fn a_second_factor_is_required(system: &System) {
    let email = "factor@example.com";
    let session = logged_in(system, email).await;
    let token = session.text("access_token");
    let (totp, recovery) = enroll(system, &token).await;
    assert_eq!(recovery.len(), 10);
    system.mailbox.wait("mfa_changed", email).await;
    let bare = login(system, json!({"email": email, "password": PASSWORD})).await;
    assert_eq!((bare.status, bare.code()), (401, "MFA_REQUIRED"));
    let next = code(&totp, 1);
    let with = |code: &str| json!({"email": email, "password": PASSWORD, "code": code});
    assert_eq!(login(system, with(&next)).await.status, 200);
    assert_eq!(login(system, with(&next)).await.code(), "MFA_CODE_INVALID");
    assert_eq!(login(system, with(&recovery[0])).await.status, 200);
    let me = system.client.get_as(&token, "/api/v1/users/me").await;
    assert_eq!(me.body["mfa_enabled"], true);
    let remove = json!({"password": PASSWORD, "code": recovery[1]});
    assert_eq!(send(system, Method::DELETE, "/api/v1/auth/mfa/totp", &token, remove).await.status, 204);
    assert_eq!(login(system, json!({"email": email, "password": PASSWORD})).await.status, 200);
}

pub async fn devices_and_sessions_are_revoked(system: &System) {
    let email = "devices@example.com";
    let first = logged_in(system, email).await;
    let device = json!({"device_id": "another", "name": "Another phone", "platform": "android"});
    let other = login(system, json!({"email": email, "password": PASSWORD, "device": device})).await;
    let message = system.mailbox.wait("new_device", email).await;
    assert!(message.text.contains("Another phone"), "{}", message.text);
    let token = first.text("access_token");
    let sessions = system.client.get_as(&token, "/api/v1/auth/sessions").await;
    let names: Vec<_> = sessions.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| (&item["is_current"], &item["device_name"]))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let devices = system.client.get_as(&token, "/api/v1/auth/devices").await;
    let phone = devices.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|item| item["name"] == "Another phone")
        .expect("the device");
    let path = format!("/api/v1/auth/devices/{}", phone["id"].as_str().expect("an id"));
    let trusted = system.client.patch_json_as(&token, &path, json!({"is_trusted": true})).await;
    assert_eq!(
        (trusted.status, &trusted.body["is_trusted"], trusted.headers["etag"].to_str().ok()),
        (200, &json!(true), Some("\"2\""))
    );
    assert_eq!(system.client.delete_as(&token, &path).await.status, 204);
    wait_until_rejected(system, &other.text("access_token")).await;
    let again = system.client.login(email).await;
    let path = format!("/api/v1/auth/sessions/{}", again.text("session_id"));
    assert_eq!(system.client.delete_as(&token, &path).await.status, 204);
    wait_until_rejected(system, &again.text("access_token")).await;
}

pub async fn email_address_and_password_are_changed(system: &System) {
    let (email, new) = ("moving@example.com", "moved@example.org");
    let session = logged_in(system, email).await;
    let token = session.text("access_token");
    let change = json!({"email": new, "password": PASSWORD, "first_name": "Anna"});
    let me = system.client.patch_json_as(&token, "/api/v1/users/me", change).await;
    assert_eq!(
        (me.status, me.text("email"), me.text("pending_email")),
        (200, email.to_owned(), new.to_owned())
    );
    let code = system.mailbox.wait("email_change", new).await.code();
    let verified = system.client.post("/api/v1/auth/verify-email", json!({"email": new, "code": code})).await;
    assert_eq!(verified.status, 204, "{verified:?}");
    system.mailbox.wait("email_changed", email).await;
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    let changed = send(system, Method::POST, "/api/v1/users/me/change-password", &token, change).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    system.mailbox.wait("password_changed", new).await;
    assert_eq!(login(system, json!({"email": new, "password": OTHER})).await.status, 200);
    let events = system.client.get_as(&token, "/api/v1/users/me/security-events").await;
    let kinds: Vec<_> = events.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["password_changed", "email_changed"]);
}

pub async fn administrative_changes_apply_within_a_second(system: &System) {
    let (email, target) = ("admin@example.com", "target@example.com");
    logged_in(system, email).await;
    system.run_command(&["admin-create", email]).await;
    let admin = system.client.login(email).await.text("access_token");
    let user = logged_in(system, target).await;
    let token = user.text("access_token");
    let denied = system.client.get_as(&token, "/api/v1/admin/users").await;
    assert_eq!((denied.status, denied.code()), (403, "PERMISSION_DENIED"));
    let found = system.client.get_as(&admin, "/api/v1/admin/users?q=target").await;
    let id = found.body["data"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/admin/users/{id}");
    // IP rules take effect at the gateway, and end when they are deleted.
    let ask = async |ip: &str| {
        let request = system.client.request(Method::GET, "/api/v1/users/me").bearer_auth(&token);
        system.client.send(request.header("x-forwarded-for", ip)).await
    };
    assert_eq!(ask("203.0.113.9").await.status, 200);
    let rule = json!({"action": "deny", "cidr": "203.0.113.0/24", "note": "a test"});
    let key = "rule-1";
    let create = async || {
        let request =
            system.client.request(Method::POST, "/api/v1/admin/ip-rules").bearer_auth(&admin).json(&rule);
        system.client.send(request.header("idempotency-key", key)).await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!(
        (first.status, again.status, again.headers["idempotency-replayed"].to_str().ok()),
        (201, 201, Some("true"))
    );
    assert_eq!(first.body, again.body);
    eventually(async || ask("203.0.113.9").await.code() == "IP_ADDRESS_DENIED").await;
    assert_eq!(ask("198.51.100.9").await.status, 200);
    let request =
        system.client.request(Method::GET, "/api/v1/nothing").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(system.client.send(request).await.code(), "IP_ADDRESS_DENIED", "also without a token");
    let deleted = format!("/api/v1/admin/ip-rules/{}", first.text("id"));
    assert_eq!(system.client.delete_as(&admin, &deleted).await.status, 204);
    eventually(async || ask("203.0.113.9").await.status == 200).await;
    // A rule on a user also applies to direct gRPC calls, by their connection's address.
    let rule = json!({"action": "deny", "cidr": "127.0.0.0/8", "user_id": id});
    let own = send(system, Method::POST, "/api/v1/admin/ip-rules", &admin, rule).await;
    assert_eq!(own.status, 201, "{own:?}");
    let direct = async || {
        let mut request = tonic::Request::new(pb::ListAccountsRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("metadata"));
        let channel = tonic::transport::Channel::from_shared(system.ledger_grpc.clone()).expect("a URL");
        let mut accounts = AccountServiceClient::new(channel.connect().await.expect("a server"));
        accounts.list_accounts(request).await.map(|_| ())
    };
    eventually(async || {
        direct().await.is_err_and(|status| reason(&status).as_deref() == Some("IP_ADDRESS_DENIED"))
    })
    .await;
    assert_eq!(ask("198.51.100.9").await.status, 200, "other addresses are allowed");
    let deleted = format!("/api/v1/admin/ip-rules/{}", own.text("id"));
    assert_eq!(system.client.delete_as(&admin, &deleted).await.status, 204);
    eventually(async || direct().await.is_ok()).await;
    // A lock also applies to tokens that were already issued.
    let locked = system.client.patch_json_as(&admin, &path, json!({"is_locked": true})).await;
    assert_eq!((locked.status, locked.text("status").as_str()), (200, "locked"));
    wait_until_rejected(system, &token).await;
    let (out, stranger) =
        (system.client.login(target).await, system.client.login("stranger@example.com").await);
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
        system.client.get_as(&admin, &path).await.body["data"][0].clone()
    };
    eventually(async || log().await["entity"] == "user").await;
    assert_eq!(log().await["client_ip"], "127.0.0.1");
    let security = format!("/api/v1/admin/security-events?user_id={id}&action=permission_denied");
    eventually(async || {
        system.client.get_as(&admin, &security).await.body["data"][0]["detail"] == "users:read"
    })
    .await;
    let unlocked = system.client.patch_json_as(&admin, &path, json!({"is_locked": false})).await;
    assert_eq!(unlocked.status, 200);
    assert_eq!(system.client.login(target).await.status, 200);
    let demotion = json!({"roles": ["user"]});
    let admin_id = system.client.get_as(&admin, "/api/v1/users/me").await.text("id");
    let last =
        system.client.patch_json_as(&admin, &format!("/api/v1/admin/users/{admin_id}"), demotion).await;
    assert_eq!((last.status, last.code()), (409, "LAST_ADMIN"));
}

/// The user's audit log contains the changes of all services, with their origin.
pub async fn every_change_is_in_the_audit_log(system: &System) {
    let session = logged_in(system, "record@example.com").await;
    let token = session.text("access_token");
    let made = async |path: &str, body: Value| {
        let response = send(system, Method::POST, path, &token, body).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.text("id")
    };
    let bank = made("/api/v1/accounts", json!({"name": "Bank", "account_type": "bank"})).await;
    made("/api/v1/transactions", json!({"account_id": bank, "type": "income", "amount": "5"})).await;
    made("/api/v1/goals", json!({"name": "Boat", "target_amount": "100"})).await;
    let preferences = json!({"theme": "dark"});
    send(system, Method::PATCH, "/api/v1/users/me/preferences", &token, preferences).await;
    let expected = [
        "auth preferences updated",
        "budget goal created",
        "ledger account created",
        "ledger transaction created",
    ];
    eventually(async || {
        let log = system.client.get_as(&token, "/api/v1/users/me/audit-log?page_size=200").await;
        let rows = log.body["data"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        // Only a registration is recorded without an authenticated user.
        let is_anonymous = |row: &Value| text(row, "actor") == "gateway";
        let is_registration = |row: &Value| matches!(text(row, "entity").as_str(), "user" | "challenge");
        let whole = rows
            .iter()
            .all(|row| row["actor"] == row["user_id"] || (is_anonymous(row) && is_registration(row)));
        let seen: Vec<_> = rows
            .iter()
            .map(|row| format!("{} {} {}", text(row, "part"), text(row, "entity"), text(row, "action")))
            .collect();
        whole && expected.iter().all(|expected| seen.iter().any(|seen| seen == expected))
    })
    .await;
}

/// Polls until `is_so` returns true.
async fn eventually(is_so: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let seen = async {
        loop {
            tick.tick().await;
            if is_so().await {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the condition is met");
}

/// Reads the key id in a token's header.
fn kid(token: &str) -> String {
    let header = BASE64.decode(token.split('.').next().expect("a header")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a key id").to_owned()
}

#[tokio::test]
async fn signing_keys_rotate_under_load_without_a_rejected_request() {
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
            eventually(async || {
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

#[tokio::test]
async fn a_flood_of_logins_is_rejected_while_other_requests_succeed() {
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
