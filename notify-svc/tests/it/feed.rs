//! The live feed: whom it tells what, in which order, and for how long.

use chrono::TimeDelta;
use fintrac_kit::testing::{TestDatabase, TestUser};
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::notify::v1 as pb;
use tonic::Status;
use uuid::Uuid;

use crate::auth::Auth;
use crate::budget::Budget;
use crate::support::{Notify, clock, start, start_on};
use notify_svc::SCHEMA;

async fn list(notify: &Notify, user: &TestUser, after: Option<i64>) -> Result<pb::ListFeedResponse, Status> {
    let answer = user.call(notify.feed().list_feed(pb::ListFeedRequest { after })).await?;
    Ok(answer.into_inner())
}

fn told(news: &pb::ListFeedResponse) -> Vec<(i64, String)> {
    news.entries.iter().map(|entry| (entry.seq, entry.entity.clone())).collect()
}

fn row(seq: i64, entity: &str) -> (i64, String) {
    (seq, entity.to_owned())
}

#[tokio::test]
async fn what_changes_is_told_in_order_to_whom_it_concerns() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    let bob = TestUser::of(ana.household_id, &clock);
    let eve = TestUser::new(&clock);
    let listener = |user: &TestUser, inbox| {
        let user_id = user.user_id.to_string();
        auth::Listener { user_id, locale: "en".into(), mail: true, inbox }
    };
    *auth.audience.lock().expect("no panic") = vec![listener(&ana, true), listener(&bob, false)];
    assert_eq!(list(&notify, &ana, None).await.expect("news").until, 0, "before it begins");
    for (entity, kind) in [("goal", "created"), ("contribution", "created"), ("budget", "updated")] {
        notify.budget.tell(ana.household_id, entity, Uuid::from_u128(7), kind);
    }
    notify.budget.tell(ana.household_id, "alert", Uuid::from_u128(1), "budget_threshold");
    notify.digested(4).await;
    let news = list(&notify, &ana, Some(0)).await.expect("news");
    assert_eq!(told(&news), [row(1, "goal"), row(2, "budget"), row(3, "notification")]);
    assert_eq!((news.until, news.is_reset), (3, false));
    let his = list(&notify, &bob, Some(0)).await.expect("news");
    assert_eq!(told(&his), [row(1, "goal"), row(2, "budget")], "her notification is none of his");
    assert_eq!(his.until, 3, "and he need not ask for it again");
    assert_eq!(told(&list(&notify, &ana, Some(2)).await.expect("news")), [row(3, "notification")]);
    assert!(told(&list(&notify, &eve, Some(0)).await.expect("news")).is_empty(), "another household");
    let program = TestUser::only_notified(ana.household_id, &clock);
    let its = list(&notify, &program, Some(0)).await.expect("news");
    assert_eq!((told(&its), its.until), (vec![], 3), "it may read no goals and no budgets");

    let inbox = ana.call(notify.inbox().list_notifications(pb::ListNotificationsRequest::default())).await;
    let id = inbox.expect("a page").into_inner().notifications[0].id.clone();
    let read = pb::MarkNotificationRequest { notification_id: id, if_version: None, is_read: Some(true) };
    ana.call(notify.inbox().mark_notification(read)).await.expect("marked");
    let news = list(&notify, &ana, Some(3)).await.expect("news");
    assert_eq!((told(&news), news.entries[0].version), (vec![row(4, "notification")], 2));
}

#[tokio::test]
async fn who_was_away_for_too_long_reads_everything_anew() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    for _ in 0..3 {
        notify.budget.tell(ana.household_id, "goal", Uuid::from_u128(7), "created");
    }
    notify.digested(3).await;
    notify.clock.advance(TimeDelta::hours(25));
    notify.budget.tell(ana.household_id, "goal", Uuid::from_u128(8), "created");
    notify.digested(4).await;
    // The job may have run before that came.
    notify.clock.advance(TimeDelta::hours(1));
    // A job that is due runs when a replica starts, else when it next looks at its clock.
    let _replica = notify.replica(&auth, &[]).await;
    notify.until_text("select count(*)::text from notify.feed", "1").await;
    let news = list(&notify, &ana, Some(1)).await.expect("news");
    assert_eq!((told(&news), news.is_reset, news.until), (vec![], true, 4));
    let news = list(&notify, &ana, Some(3)).await.expect("news");
    assert_eq!((told(&news), news.is_reset), (vec![row(4, "goal")], false), "nothing was missed");
    assert!(list(&notify, &ana, Some(9)).await.expect("news").is_reset, "a place that never was");
    assert!(!list(&notify, &ana, Some(4)).await.expect("news").is_reset);
}

#[tokio::test]
async fn two_replicas_tell_every_change_once_and_followers_hear_all() {
    let (auth, clock) = (Auth::new("en"), clock());
    let (database, budget) = (TestDatabase::new(&[&SCHEMA], &clock).await, Budget::default());
    let one = start_on(&auth, &budget, &database, &clock, &[]).await;
    let two = start_on(&auth, &budget, &database, &clock, &[]).await;
    let households: Vec<_> = (0..5).map(|_| TestUser::new(&clock)).collect();
    let mut followed = one.feed().follow_feed(pb::FollowFeedRequest {}).await.expect("a stream").into_inner();
    let first = followed.message().await.expect("no failure").expect("a message");
    assert!(first.entries.is_empty(), "from here on");
    for number in 0..200_u128 {
        let user = &households[usize::try_from(number % 5).expect("small")];
        budget.tell(user.household_id, "goal", Uuid::from_u128(number), "updated");
    }
    let mut heard = Vec::new();
    while heard.len() < 200 {
        let batch = followed.message().await.expect("no failure").expect("a message");
        heard.extend(batch.entries.into_iter().map(|entry| (entry.household_id, entry.seq)));
    }
    heard.sort();
    let mut expected: Vec<_> =
        households.iter().flat_map(|user| (1..=40).map(|seq| (user.household_id.to_string(), seq))).collect();
    expected.sort();
    assert_eq!(heard, expected, "each once, without a gap");
    assert_eq!(list(&two, &households[0], Some(0)).await.expect("news").entries.len(), 40);
}
