//! Security events as users and administrators read them.

use fintrac_proto::auth::v1 as pb;

use crate::support::{Auth, PASSWORD, error_reason};

#[tokio::test]
async fn failed_logins_and_denied_permissions_are_listed_with_their_origin() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    auth.login("ana@example.com", "a wrong password").await.expect_err("wrong");
    auth.login("unknown@example.com", "a wrong password").await.expect_err("unknown");
    let ana = auth.session("ana@example.com").await;
    auth.clock.advance(chrono::TimeDelta::milliseconds(1));
    let rejected = ana.call(ana.admin().list_roles(pb::ListRolesRequest {})).await;
    assert_eq!(error_reason(rejected), "PERMISSION_DENIED");
    auth.wait_until("select count(*)::text from auth.security_events where kind = 'permission_denied'", "1")
        .await;
    let request = pb::ListUserSecurityEventsRequest::default;
    let own =
        ana.call(ana.security().list_user_security_events(request())).await.expect("a list").into_inner();
    let seen: Vec<_> = own.events.iter().map(|event| (event.kind.as_str(), event.detail.as_str())).collect();
    assert_eq!(seen, [("permission_denied", "roles:read"), ("login_failed", "")]);
    assert!(own.events.iter().all(|event| event.client_ip == "192.0.2.1" && event.user_agent == "tests"));
    let list = async |request: pb::ListSecurityEventsRequest| {
        let response = admin.call(admin.security().list_security_events(request)).await?;
        Ok::<_, tonic::Status>(response.into_inner())
    };
    let failed = pb::ListSecurityEventsRequest { kind: "login_failed".into(), ..Default::default() };
    assert_eq!(
        list(failed.clone()).await.expect("a list").events.len(),
        2,
        "including the login of an unknown user"
    );
    let for_ana = pb::ListSecurityEventsRequest { user_id: ana.user_id.clone(), ..failed.clone() };
    assert_eq!(list(for_ana).await.expect("a list").events.len(), 1);
    let later = kit_core::clock::timestamp(auth.clock.now() + chrono::TimeDelta::seconds(1));
    let future = pb::ListSecurityEventsRequest { from: Some(later), ..failed.clone() };
    assert_eq!(list(future).await.expect("a list").events.len(), 0);
    let page =
        list(pb::ListSecurityEventsRequest { page_size: Some(1), ..failed.clone() }).await.expect("a page");
    assert_eq!((page.events.len(), page.next_page_token.is_empty()), (1, false));
    let odd = pb::ListSecurityEventsRequest { user_id: "not an id".into(), ..Default::default() };
    assert_eq!(error_reason(list(odd).await), "QUERY_INVALID");
    let forbidden =
        ana.call(ana.security().list_security_events(pb::ListSecurityEventsRequest::default())).await;
    assert_eq!(error_reason(forbidden), "PERMISSION_DENIED");
}

#[tokio::test]
async fn many_wrong_passwords_are_reported_once() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let recorded = "select count(*)::text from auth.events where entity = 'user' and kind = 'throttled'";
    for number in 1..=12 {
        auth.login("ana@example.com", "a wrong password").await.expect_err("wrong");
        // After the delay, so that each attempt counts.
        auth.clock.advance(chrono::TimeDelta::seconds(300));
        let expected = if number >= 10 { "1" } else { "0" };
        assert_eq!(auth.text(recorded).await, expected, "after {number}");
    }
    auth.clock.advance(chrono::TimeDelta::minutes(15));
    auth.login("ana@example.com", PASSWORD).await.expect("the delay is not permanent");
}
