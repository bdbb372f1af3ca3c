//! Live events: visibility, order and retention.

use fintrac_proto::auth::v1 as auth;
use fintrac_proto::notify::v1 as pb;
use kit_testing::{TestDatabase, TestUser};
use tonic::Status;
use uuid::Uuid;

use crate::auth::Auth;
use crate::budget::Budget;
use crate::support::{Notify, clock, start, start_on};
use notify_svc::SCHEMA;

async fn list(
    notify: &Notify,
    user: &TestUser,
    after: Option<i64>,
) -> Result<pb::ListLiveEventsResponse, Status> {
    let response =
        user.call(notify.live_events().list_live_events(pb::ListLiveEventsRequest { after })).await?;
    Ok(response.into_inner())
}

fn entries_of(page: &pb::ListLiveEventsResponse) -> Vec<(i64, String)> {
    page.events.iter().map(|entry| (entry.seq, entry.entity.clone())).collect()
}

fn row(seq: i64, entity: &str) -> (i64, String) {
    (seq, entity.to_owned())
}

#[tokio::test]
async fn members_get_changes_in_order() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    let bob = TestUser::in_household(ana.household_id, &clock);
    let eve = TestUser::new(&clock);
    let subscriber = |user: &TestUser, inbox| {
        let user_id = user.user_id.to_string();
        auth::Subscriber { user_id, locale: "en".into(), email: true, inbox }
    };
    *auth.subscribers.lock().expect("no panic") = vec![subscriber(&ana, true), subscriber(&bob, false)];
    assert_eq!(list(&notify, &ana, None).await.expect("page").until, 0, "no events yet");
    for (entity, kind) in [("goal", "created"), ("contribution", "created"), ("budget", "updated")] {
        notify.budget.append(ana.household_id, entity, Uuid::from_u128(7), kind);
    }
    notify.budget.append(ana.household_id, "alert", Uuid::from_u128(1), "budget_threshold");
    notify.wait_for_budget_events(4).await;
    let page = list(&notify, &ana, Some(0)).await.expect("page");
    assert_eq!(entries_of(&page), [row(1, "goal"), row(2, "budget"), row(3, "notification")]);
    assert_eq!((page.until, page.is_reset), (3, false));
    let for_bob = list(&notify, &bob, Some(0)).await.expect("page");
    assert_eq!(
        entries_of(&for_bob),
        [row(1, "goal"), row(2, "budget")],
        "notifications of other members are hidden"
    );
    assert_eq!(for_bob.until, 3, "the position moves past hidden events");
    assert_eq!(entries_of(&list(&notify, &ana, Some(2)).await.expect("page")), [row(3, "notification")]);
    assert!(entries_of(&list(&notify, &eve, Some(0)).await.expect("page")).is_empty(), "another household");
    let program = TestUser::with_notifications_only(ana.household_id, &clock);
    let for_program = list(&notify, &program, Some(0)).await.expect("page");
    assert_eq!(
        (entries_of(&for_program), for_program.until),
        (vec![], 3),
        "it lacks the permissions for goals and budgets"
    );

    let inbox = ana.call(notify.inbox().list_notifications(pb::ListNotificationsRequest::default())).await;
    let id = inbox.expect("a page").into_inner().notifications[0].id.clone();
    let read =
        pb::UpdateNotificationRequest { notification_id: id, expected_version: None, is_read: Some(true) };
    ana.call(notify.inbox().update_notification(read)).await.expect("marked");
    let page = list(&notify, &ana, Some(3)).await.expect("page");
    assert_eq!((entries_of(&page), page.events[0].version), (vec![row(4, "notification")], 2));
}

#[tokio::test]
async fn a_client_that_missed_too_many_events_gets_a_reset() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    // Ten thousand events of the past, and two more.
    sqlx::query(
        "insert into notify.changes (id, service, household_id, seq, entity, entity_id, version, kind, changed, actor,
             user_agent, request_id, occurred_at, is_audited, created_at)
         select gen_random_uuid(), 'budget', $1, seq, 'goal', $1, seq, 'updated', '{}', '', '', '', $2, true, $2
         from generate_series(1, 10000) as seq",
    )
    .bind(ana.household_id)
    .bind(clock.now())
    .execute(&notify.pool)
    .await
    .expect("the events are stored");
    sqlx::query("insert into notify.live_event_sequences values ($1, 10000)")
        .bind(ana.household_id)
        .execute(&notify.pool)
        .await
        .expect("the sequence is stored");
    for _ in 0..2 {
        notify.budget.append(ana.household_id, "goal", Uuid::from_u128(8), "updated");
    }
    notify.wait_for_budget_events(2).await;
    let page = list(&notify, &ana, Some(1)).await.expect("page");
    assert_eq!((entries_of(&page), page.is_reset, page.until), (vec![], true, 10_002));
    let page = list(&notify, &ana, Some(2)).await.expect("page");
    assert_eq!((page.events.len(), page.is_reset, page.until), (500, false, 502), "exactly as many");
    let page = list(&notify, &ana, Some(10_001)).await.expect("page");
    assert_eq!((entries_of(&page), page.is_reset), (vec![row(10_002, "goal")], false), "nothing was missed");
    assert!(list(&notify, &ana, Some(10_003)).await.expect("page").is_reset, "the position is past the end");
    assert!(!list(&notify, &ana, Some(10_002)).await.expect("page").is_reset);
}

#[tokio::test]
async fn two_replicas_append_each_change_once_and_streams_get_all() {
    let (auth, clock) = (Auth::new("en"), clock());
    let (database, budget) = (TestDatabase::new(&[&SCHEMA], &clock).await, Budget::default());
    let one = start_on(&auth, &budget, &database, &clock, &[]).await;
    let two = start_on(&auth, &budget, &database, &clock, &[]).await;
    let households: Vec<_> = (0..5).map(|_| TestUser::new(&clock)).collect();
    let mut stream = one
        .live_events()
        .stream_live_events(pb::StreamLiveEventsRequest {})
        .await
        .expect("a stream")
        .into_inner();
    let first = stream.message().await.expect("no failure").expect("a message");
    assert!(first.events.is_empty(), "the first batch is empty");
    for number in 0..200_u128 {
        let user = &households[usize::try_from(number % 5).expect("small")];
        budget.append(user.household_id, "goal", Uuid::from_u128(number), "updated");
    }
    let mut received = Vec::new();
    while received.len() < 200 {
        let batch = stream.message().await.expect("no failure").expect("a message");
        received.extend(batch.events.into_iter().map(|entry| (entry.household_id, entry.seq)));
    }
    received.sort();
    let mut expected: Vec<_> =
        households.iter().flat_map(|user| (1..=40).map(|seq| (user.household_id.to_string(), seq))).collect();
    expected.sort();
    assert_eq!(received, expected, "each once, without a gap");
    assert_eq!(list(&two, &households[0], Some(0)).await.expect("page").events.len(), 40);
}
