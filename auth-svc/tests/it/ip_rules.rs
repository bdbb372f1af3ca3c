//! IP rules.

use std::time::Duration;

use fintrac_proto::auth::v1 as pb;
use kit_core::context::{self, Client, Context};
use kit_core::error::reason;
use tonic::Status;

use crate::support::{Auth, PASSWORD, Session, error_reason};

const ALL_USERS: &str = "all users";

async fn rule(session: &Session<'_>, action: &str, cidr: &str, user_id: &str) -> Result<pb::IpRule, Status> {
    let user_id = Some(user_id.to_owned()).filter(|id| id != ALL_USERS);
    let request =
        pb::CreateIpRuleRequest { action: action.into(), cidr: cidr.into(), user_id, note: "a test".into() };
    Ok(session.call(session.admin().create_ip_rule(request)).await?.into_inner().rule.expect("a rule"))
}

/// Makes a call from an address and returns the reason of its rejection.
async fn may(session: &Session<'_>, ip: &str) -> Result<(), String> {
    let client = Client { ip: ip.parse().ok(), ..Client::default() };
    let access_token = Some(session.tokens.access_token.clone());
    let context = Context { access_token, client, ..Context::default() };
    let response =
        context::scope(context, session.users().get_current_user(pb::GetCurrentUserRequest {})).await;
    response.map(|_| ()).map_err(|status| reason(&status).expect("a reason"))
}

async fn wait_until(session: &Session<'_>, ip: &str, expected: Result<(), String>) {
    let reached = async {
        while may(session, ip).await != expected {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
    assert!(reached.is_ok(), "{ip} must become {expected:?}");
}

fn denied() -> Result<(), String> {
    Err("IP_ADDRESS_DENIED".into())
}

#[tokio::test]
async fn a_rule_applies_to_issued_tokens_until_it_is_deleted() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    let ana = auth.session("ana@example.com").await;
    may(&ana, "198.51.100.9").await.expect("no rules yet");
    let network = rule(&admin, "deny", "198.51.100.0/24", ALL_USERS).await.expect("a rule");
    wait_until(&ana, "198.51.100.9", denied()).await;
    wait_until(&ana, "203.0.113.9", Ok(())).await;
    rule(&admin, "allow", "198.51.100.9", ALL_USERS).await.expect("an exception");
    wait_until(&ana, "198.51.100.9", Ok(())).await;
    wait_until(&ana, "198.51.100.10", denied()).await;
    let request = pb::DeleteIpRuleRequest { rule_id: network.id.clone() };
    admin.call(admin.admin().delete_ip_rule(request.clone())).await.expect("deleted");
    wait_until(&ana, "198.51.100.10", Ok(())).await;
    assert_eq!(error_reason(admin.call(admin.admin().delete_ip_rule(request)).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_rule_for_one_user_applies_to_that_user_and_at_login() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    auth.user("bo@example.com").await;
    let (ana, bo) = (auth.session("ana@example.com").await, auth.session("bo@example.com").await);
    rule(&admin, "deny", "0.0.0.0/0", &ana.user_id).await.expect("deny everywhere");
    rule(&admin, "allow", "192.0.2.0/24", &ana.user_id).await.expect("allow one network");
    wait_until(&ana, "203.0.113.9", denied()).await;
    wait_until(&ana, "192.0.2.200", Ok(())).await;
    may(&bo, "203.0.113.9").await.expect("the rule does not apply to bo");
    let login = |password: &str| pb::LoginRequest {
        email: "ana@example.com".into(),
        password: password.into(),
        ..Default::default()
    };
    let mut identity = auth.identity();
    assert_eq!(
        error_reason(auth.from("203.0.113.9", identity.login(login("a wrong password"))).await),
        "INVALID_CREDENTIALS"
    );
    let mut identity = auth.identity();
    assert_eq!(
        error_reason(auth.from("203.0.113.9", identity.login(login(PASSWORD))).await),
        "IP_ADDRESS_DENIED"
    );
    assert!(auth.security_events("ana@example.com").await.contains(&"ip_address_denied".to_owned()));
    auth.login("ana@example.com", PASSWORD).await.expect("login from the allowed network");
}

#[tokio::test]
async fn rules_that_lock_out_the_caller_are_rejected() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    assert_eq!(error_reason(rule(&admin, "deny", "192.0.2.0/24", ALL_USERS).await), "SELF_LOCKOUT");
    assert_eq!(error_reason(rule(&admin, "deny", "192.0.2.1", &admin.user_id).await), "SELF_LOCKOUT");
    let own = rule(&admin, "allow", "192.0.2.1", ALL_USERS).await.expect("allow the caller's address");
    rule(&admin, "deny", "192.0.2.0/24", ALL_USERS).await.expect("deny the rest of the network");
    let request = pb::DeleteIpRuleRequest { rule_id: own.id };
    assert_eq!(error_reason(admin.call(admin.admin().delete_ip_rule(request)).await), "SELF_LOCKOUT");
    assert_eq!(auth.text("select count(*)::text from auth.ip_rules").await, "2");
}

#[tokio::test]
async fn all_violations_are_reported() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    let rejected = rule(&admin, "forbid", "1.2.3", "not an id").await.expect_err("invalid");
    let details = tonic_types::StatusExt::get_error_details(&rejected);
    let fields: Vec<_> = details
        .bad_request()
        .expect("violations")
        .field_violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect();
    assert_eq!(fields, ["action", "cidr", "user_id"]);
    rule(&admin, "deny", "198.51.100.7/24", ALL_USERS).await.expect("a rule");
    assert_eq!(
        error_reason(rule(&admin, "allow", "198.51.100.0/24", ALL_USERS).await),
        "VALIDATION_FAILED",
        "one rule per network"
    );
    // A missing or unknown user id must not apply the rule to all users.
    for unknown in ["018f0000-0000-7000-8000-000000000000", ""] {
        assert_eq!(error_reason(rule(&admin, "deny", "203.0.113.0/24", unknown).await), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn rules_against_administrators_are_rejected_and_an_operator_clears_rules() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    let permissions = ["ip_rules:read", "ip_rules:write", "profile:read"].map(str::to_owned).to_vec();
    let request = pb::CreateRoleRequest { name: "keeper".into(), permissions };
    admin.call(admin.admin().create_role(request)).await.expect("a role");
    auth.user("ana@example.com").await;
    let ana_id = auth.session("ana@example.com").await.user_id;
    let roles = Some(pb::RoleNames { names: vec!["keeper".into()] });
    let request = pb::UpdateUserRequest { user_id: ana_id, roles, ..Default::default() };
    admin.call(admin.admin().update_user(request)).await.expect("a keeper");
    let ana = auth.session("ana@example.com").await;
    assert_eq!(error_reason(rule(&ana, "deny", "0.0.0.0/0", &admin.user_id).await), "PERMISSION_DENIED");
    rule(&ana, "deny", "203.0.113.0/24", ALL_USERS).await.expect("a rule for all users is allowed");
    let admin_rule =
        rule(&admin, "deny", "203.0.113.0/24", &admin.user_id).await.expect("a rule for oneself");
    let request = pb::DeleteIpRuleRequest { rule_id: admin_rule.id };
    assert_eq!(error_reason(ana.call(ana.admin().delete_ip_rule(request)).await), "PERMISSION_DENIED");
    assert_eq!(auth.operator(&[]).await.clear_ip_rules().await.expect("cleared"), 2);
    assert_eq!(auth.text("select actor from auth.events where kind = 'cleared'").await, "operator");
    wait_until(&ana, "203.0.113.9", Ok(())).await;
}
