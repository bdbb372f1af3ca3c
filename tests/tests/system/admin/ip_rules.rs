//! `/admin/ip-rules`.

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_tests::system::System;
use kit_core::error::reason;
use reqwest::Method;
use serde_json::json;

use crate::support::{TestUser, administrator, channel, eventually, with_token};

const RULES: &str = "/api/v1/admin/ip-rules";

/// Rules take effect at the gateway, and end when they are deleted.
pub async fn addresses_are_denied_within_a_second(system: &System) {
    let admin = administrator(system, "network-admin@example.com").await;
    let admin = TestUser::with_existing_token(system, &admin);
    let user = TestUser::new(system, "denied-network@example.com").await;
    let ask = async |ip: &str| {
        let request = user.request(Method::GET, "/api/v1/users/me");
        system.client.send(request.header("x-forwarded-for", ip)).await
    };
    assert_eq!(ask("192.0.2.9").await.status, 200);
    let rule = json!({"action": "deny", "cidr": "192.0.2.0/24", "note": "a test"});
    let create = async || {
        let request = admin.request(Method::POST, RULES).json(&rule);
        system.client.send(request.header("idempotency-key", "rule-1")).await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!(
        (first.status, again.status, again.headers["idempotency-replayed"].to_str().ok()),
        (201, 201, Some("true"))
    );
    assert_eq!(first.body, again.body);
    eventually("the address is denied", async || ask("192.0.2.9").await.code() == "IP_ADDRESS_DENIED").await;
    assert_eq!(ask("198.51.100.9").await.status, 200);
    let request =
        system.client.request(Method::GET, "/api/v1/nothing").header("x-forwarded-for", "192.0.2.9");
    assert_eq!(system.client.send(request).await.code(), "IP_ADDRESS_DENIED", "also without a token");
    assert_eq!(admin.delete(&format!("{RULES}/{}", first.text("id"))).await.status, 204);
    eventually("the address is allowed", async || ask("192.0.2.9").await.status == 200).await;
}

/// A rule on a user also applies to direct gRPC calls, by their connection's address.
pub async fn a_rule_on_a_user_applies_to_grpc(system: &System) {
    let admin = administrator(system, "user-rules-admin@example.com").await;
    let admin = TestUser::with_existing_token(system, &admin);
    let user = TestUser::new(system, "denied-user@example.com").await;
    let id = user.get("/api/v1/users/me").await.text("id");
    let rule = json!({"action": "deny", "cidr": "127.0.0.0/8", "user_id": id});
    let rule = admin.create(RULES, rule).await;
    let direct = async || {
        let request = with_token(user.token(), pb::ListAccountsRequest::default());
        let mut accounts = AccountServiceClient::new(channel(&system.ledger_grpc).await);
        accounts.list_accounts(request).await.map(|_| ())
    };
    eventually("the user is denied", async || {
        direct().await.is_err_and(|status| reason(&status).as_deref() == Some("IP_ADDRESS_DENIED"))
    })
    .await;
    let elsewhere = user.request(Method::GET, "/api/v1/users/me").header("x-forwarded-for", "198.51.100.9");
    assert_eq!(system.client.send(elsewhere).await.status, 200, "other addresses are allowed");
    assert_eq!(admin.delete(&format!("{RULES}/{rule}")).await.status, 204);
    eventually("the user is allowed", async || direct().await.is_ok()).await;
}
