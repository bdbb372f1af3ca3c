//! The audit trail: every part's events, for their user and for administrators.

use fintrac_kit::clock::timestamp;
use fintrac_kit::error::reason;
use fintrac_kit::testing::TestUser;
use fintrac_proto::events::v1::Event;
use fintrac_proto::notify::v1 as pb;
use uuid::Uuid;

use crate::auth::Auth;
use crate::support::{Notify, start};

/// An event of the ledger as `user` caused it.
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

async fn mine(notify: &Notify, user: &TestUser) -> Vec<pb::Activity> {
    let request = pb::ListMyActivityRequest::default();
    user.call(notify.activity().list_my_activity(request)).await.expect("a page").into_inner().activities
}

async fn until_mine(notify: &Notify, user: &TestUser, count: usize) -> Vec<pb::Activity> {
    let reached = async {
        loop {
            let found = mine(notify, user).await;
            if found.len() == count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), reached).await.expect("they are kept")
}

#[tokio::test]
async fn a_user_reads_what_concerns_him_and_nobody_elses() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, bo) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.tell(event(&ana, "account", "updated"));
    notify.ledger.tell(event(&bo, "account", "created"));
    // The system's own doing in her household.
    notify.ledger.tell(Event {
        user_id: String::new(),
        actor: "ledger".into(),
        ..event(&ana, "transaction", "filled")
    });
    let found = until_mine(&notify, &ana, 2).await;
    let seen: Vec<_> =
        found.iter().map(|it| (it.part.as_str(), it.entity.as_str(), it.action.as_str())).collect();
    assert_eq!(seen, [("ledger", "transaction", "filled"), ("ledger", "account", "updated")], "newest first");
    let hers = &found[1];
    let origin = (hers.client_ip.as_str(), hers.user_agent.as_str(), hers.request_id.as_str());
    assert_eq!(origin, ("198.51.100.7", "a phone", "the-request"));
    assert_eq!((hers.actor.clone(), hers.version), (ana.user_id.to_string(), 3));
    assert_eq!(hers.changed, ["name", "notes"]);
    assert_eq!(until_mine(&notify, &bo, 1).await[0].action, "created");
    // What happens here is kept, too.
    ana.call(notify.inbox().mark_all_notifications_read(pb::MarkAllNotificationsReadRequest {}))
        .await
        .expect("ok");
    assert_eq!(mine(&notify, &ana).await.len(), 2, "nothing was unread, so nothing happened");
}

#[tokio::test]
async fn what_is_kept_of_somebody_after_his_erasure_has_no_traces_of_him() {
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
    .expect("noted");
    notify.ledger.tell(event(&ana, "account", "updated"));
    let late = &until_mine(&notify, &ana, 1).await[0];
    assert_eq!((late.client_ip.as_str(), late.user_agent.as_str(), late.request_id.as_str()), ("", "", ""));
    // What she did to somebody else; and what others did stays as it was.
    let (bo, eve) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.tell(Event { actor: ana.user_id.to_string(), ..event(&bo, "user", "locked") });
    notify.ledger.tell(event(&eve, "account", "updated"));
    until_mine(&notify, &bo, 1).await;
    assert_eq!(until_mine(&notify, &eve, 1).await[0].client_ip, "198.51.100.7");
    let traced: Vec<Uuid> =
        sqlx::query_scalar("select user_id from notify.activity where client_ip is not null")
            .fetch_all(&notify.pool)
            .await
            .expect("query");
    assert_eq!(traced, [eve.user_id]);
}

#[tokio::test]
async fn where_an_administrator_was_is_not_told_to_others() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, admin) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.tell(Event { actor: admin.user_id.to_string(), ..event(&ana, "user", "locked") });
    let seen = &until_mine(&notify, &ana, 1).await[0];
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
            notify.ledger.tell(event(user, entity, kind));
        }
    }
    until_mine(&notify, &bo, 3).await;
    let list = async |request: pb::ListActivityRequest| {
        let answer = ana.call(notify.activity().list_activity(request)).await?;
        Ok::<_, tonic::Status>(answer.into_inner())
    };
    let count = async |request| list(request).await.expect("a page").activities.len();
    let any = pb::ListActivityRequest::default;
    assert_eq!(count(any()).await, 6);
    assert_eq!(count(pb::ListActivityRequest { user_id: bo.user_id.to_string(), ..any() }).await, 3);
    assert_eq!(count(pb::ListActivityRequest { action: "created".into(), ..any() }).await, 4);
    assert_eq!(count(pb::ListActivityRequest { entity: "category".into(), ..any() }).await, 2);
    let later = Some(timestamp(notify.clock.now() + chrono::TimeDelta::seconds(1)));
    assert_eq!(count(pb::ListActivityRequest { from: later, ..any() }).await, 0);
    assert_eq!(count(pb::ListActivityRequest { to: later, ..any() }).await, 6);
    let first = list(pb::ListActivityRequest { page_size: Some(4), ..any() }).await.expect("a page");
    let page_token = first.next_page_token.clone();
    let rest =
        list(pb::ListActivityRequest { page_size: Some(4), page_token, ..any() }).await.expect("a page");
    assert_eq!((first.activities.len(), rest.activities.len()), (4, 2));
    let odd = list(pb::ListActivityRequest { entity_id: "x".into(), ..any() }).await.expect_err("refused");
    assert_eq!(reason(&odd).as_deref(), Some("QUERY_INVALID"));
}

#[tokio::test]
async fn the_erased_are_forgotten() {
    let auth = Auth::new("en");
    let notify = start(&auth, &[]).await;
    let (ana, bo) = (TestUser::new(&notify.clock), TestUser::new(&notify.clock));
    notify.ledger.tell(event(&ana, "account", "updated"));
    notify.ledger.tell(event(&bo, "account", "updated"));
    // What she did to somebody else.
    notify.ledger.tell(Event { actor: ana.user_id.to_string(), ..event(&bo, "user", "locked") });
    until_mine(&notify, &bo, 2).await;
    auth.tell_event(Event {
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
    tokio::time::timeout(std::time::Duration::from_mins(1), erased).await.expect("it is done");
    let left = mine(&notify, &ana).await;
    assert!(left.iter().any(|it| it.entity == "account"), "what happened is still known");
    for activity in
        left.iter().chain(mine(&notify, &bo).await.iter().filter(|it| it.actor == ana.user_id.to_string()))
    {
        assert_eq!(
            (activity.client_ip.as_str(), activity.user_agent.as_str(), activity.request_id.as_str()),
            ("", "", "")
        );
    }
    let others = mine(&notify, &bo).await;
    assert!(others.iter().any(|it| it.client_ip == "198.51.100.7"), "nobody else is");
}
