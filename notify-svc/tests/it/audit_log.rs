//! The audit log: the events of all services, for the user and for administrators.

use fintrac_proto::events::v1::Event;
use fintrac_proto::notify::v1 as pb;
use kit_core::clock::timestamp;
use kit_core::error::reason;
use kit_testing::TestUser;
use uuid::Uuid;

use crate::auth::Auth;
use crate::support::{Notify, start};

/// An event of the ledger that `user` caused.
fn event(user: &TestUser, entity: &str, kind: &str) -> Event {
    Event {
        household_id: user.household_id.to_string(),
        user_id: user.user_id.to_string(),
        entity: entity.into(),
        entity_id: Uuid::from_u128(5).to_string(),
        version: 3,
        kind: kind.into(),
        changed: vec!["name".into(), "notes".into()],
        actor: user.user_id.to_string(),
        client_ip: "198.51.100.7".into(),
        user_agent: "a phone".into(),
        request_id: "the-request".into(),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        ..Event::default()
    }
}

async fn list_own(notify: &Notify, user: &TestUser) -> Vec<pb::AuditLogEntry> {
    let request = pb::ListUserAuditLogRequest::default();
    user.call(notify.audit_log().list_user_audit_log(request)).await.expect("a page").into_inner().entries
}

async fn wait_for_own(notify: &Notify, user: &TestUser, count: usize) -> Vec<pb::AuditLogEntry> {
    let reached = async {
        loop {
            let found = list_own(notify, user).await;
            if found.len() == count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), reached).await.expect("the entries arrive")
}

#[tokio::test]
async fn users_read_only_their_own_entries() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, bo) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.append(event(&ana, "account", "updated"));
    notify.ledger.append(event(&bo, "account", "created"));
    // A change that the system itself made in the household.
    notify.ledger.append(Event {
        user_id: String::new(),
        actor: "ledger".into(),
        ..event(&ana, "transaction", "filled")
    });
    let found = wait_for_own(&notify, &ana, 2).await;
    let seen: Vec<_> = found
        .iter()
        .map(|entry| (entry.service.as_str(), entry.entity.as_str(), entry.action.as_str()))
        .collect();
    assert_eq!(seen, [("ledger", "transaction", "filled"), ("ledger", "account", "updated")], "newest first");
    let entry = &found[1];
    let origin = (entry.client_ip.as_str(), entry.user_agent.as_str(), entry.request_id.as_str());
    assert_eq!(origin, ("198.51.100.7", "a phone", "the-request"));
    assert_eq!((entry.actor.clone(), entry.version), (ana.user_id.to_string(), 3));
    assert_eq!(entry.changed, ["name", "notes"]);
    assert_eq!(wait_for_own(&notify, &bo, 1).await[0].action, "created");
    // notify-svc's own events are in the audit log as well.
    ana.call(notify.inbox().mark_all_notifications_read(pb::MarkAllNotificationsReadRequest {}))
        .await
        .expect("ok");
    assert_eq!(list_own(&notify, &ana).await.len(), 2, "without unread notifications there is no event");
}

#[tokio::test]
async fn entries_recorded_after_an_erasure_have_no_client_data() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&notify.clock);
    sqlx::query(
        "insert into notify.erasures (event_id, user_id, requested_at, erased_at) values ($1, $1, $2, $2)",
    )
    .bind(ana.user_id)
    .bind(notify.clock.now())
    .execute(&notify.pool)
    .await
    .expect("the erasure is recorded");
    notify.ledger.append(event(&ana, "account", "updated"));
    let late = &wait_for_own(&notify, &ana, 1).await[0];
    assert_eq!((late.client_ip.as_str(), late.user_agent.as_str(), late.request_id.as_str()), ("", "", ""));
    // Changes that the erased user made to others are redacted; changes by others are not.
    let (bo, eve) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.append(Event { actor: ana.user_id.to_string(), ..event(&bo, "user", "locked") });
    notify.ledger.append(event(&eve, "account", "updated"));
    wait_for_own(&notify, &bo, 1).await;
    assert_eq!(wait_for_own(&notify, &eve, 1).await[0].client_ip, "198.51.100.7");
    let traced: Vec<Uuid> =
        sqlx::query_scalar("select user_id from notify.changes where client_ip is not null")
            .fetch_all(&notify.pool)
            .await
            .expect("query");
    assert_eq!(traced, [eve.user_id]);
}

#[tokio::test]
async fn the_client_data_of_an_administrator_is_hidden_from_others() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, admin) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.append(Event { actor: admin.user_id.to_string(), ..event(&ana, "user", "locked") });
    let seen = &wait_for_own(&notify, &ana, 1).await[0];
    assert_eq!((seen.action.as_str(), seen.actor.clone()), ("locked", admin.user_id.to_string()));
    assert_eq!((seen.client_ip.as_str(), seen.user_agent.as_str(), seen.request_id.as_str()), ("", "", ""));
}

#[tokio::test]
async fn administrators_filter_and_page() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, bo) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    for user in [&ana, &bo] {
        for (entity, kind) in [("account", "created"), ("account", "updated"), ("category", "created")] {
            notify.ledger.append(event(user, entity, kind));
        }
    }
    wait_for_own(&notify, &bo, 3).await;
    let list = async |request: pb::ListAuditLogRequest| {
        let response = ana.call(notify.audit_log().list_audit_log(request)).await?;
        Ok::<_, tonic::Status>(response.into_inner())
    };
    let count = async |request| list(request).await.expect("a page").entries.len();
    let any = pb::ListAuditLogRequest::default;
    assert_eq!(count(any()).await, 6);
    assert_eq!(count(pb::ListAuditLogRequest { user_id: bo.user_id.to_string(), ..any() }).await, 3);
    assert_eq!(count(pb::ListAuditLogRequest { action: "created".into(), ..any() }).await, 4);
    assert_eq!(count(pb::ListAuditLogRequest { entity: "category".into(), ..any() }).await, 2);
    let later = Some(timestamp(notify.clock.now() + chrono::TimeDelta::seconds(1)));
    assert_eq!(count(pb::ListAuditLogRequest { from: later, ..any() }).await, 0);
    assert_eq!(count(pb::ListAuditLogRequest { to: later, ..any() }).await, 6);
    let first = list(pb::ListAuditLogRequest { page_size: Some(4), ..any() }).await.expect("a page");
    let page_token = first.next_page_token.clone();
    let rest =
        list(pb::ListAuditLogRequest { page_size: Some(4), page_token, ..any() }).await.expect("a page");
    assert_eq!((first.entries.len(), rest.entries.len()), (4, 2));
    let odd = list(pb::ListAuditLogRequest { entity_id: "x".into(), ..any() }).await.expect_err("rejected");
    assert_eq!(reason(&odd).as_deref(), Some("QUERY_INVALID"));
}

#[tokio::test]
async fn erasure_redacts_client_data() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, bo) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.append(event(&ana, "account", "updated"));
    notify.ledger.append(event(&bo, "account", "updated"));
    // A change that the user made to another user.
    notify.ledger.append(Event { actor: ana.user_id.to_string(), ..event(&bo, "user", "locked") });
    wait_for_own(&notify, &bo, 2).await;
    auth.append_event(Event {
        client_ip: String::new(),
        user_agent: String::new(),
        request_id: String::new(),
        ..event(&ana, "user", "erased")
    });
    let erased = async {
        let sql = "select count(*) from notify.erasures where erased_at is not null";
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(&notify.pool).await.expect("query") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), erased).await.expect("the erasure completes");
    let left = list_own(&notify, &ana).await;
    assert!(left.iter().any(|entry| entry.entity == "account"), "the entry itself is kept");
    for entry in left
        .iter()
        .chain(list_own(&notify, &bo).await.iter().filter(|entry| entry.actor == ana.user_id.to_string()))
    {
        assert_eq!(
            (entry.client_ip.as_str(), entry.user_agent.as_str(), entry.request_id.as_str()),
            ("", "", "")
        );
    }
    let others = list_own(&notify, &bo).await;
    assert!(
        others.iter().any(|entry| entry.client_ip == "198.51.100.7"),
        "entries of other users are not redacted"
    );
}
