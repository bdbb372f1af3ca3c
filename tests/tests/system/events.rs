//! `/events`: live events reach the users concerned, and resume without loss or repetition.

use fintrac_tests::client::Client;
use fintrac_tests::events::{Event, Stream};
use fintrac_tests::system::{Layout, System};
use serde_json::{Value, json};

use crate::BINARY;
use crate::support::{TestUser, logged_in};

fn version(event: &Event) -> (String, i64) {
    let data: Value = serde_json::from_str(&event.data).expect("JSON");
    (data["id"].as_str().expect("an id").to_owned(), data["version"].as_i64().expect("a version"))
}

/// Reads events until one concerns the entity `last`; returns their names and ids.
async fn all_until(stream: &mut Stream, last: &str) -> Vec<(String, String)> {
    let mut received = Vec::new();
    let reading = async {
        while !received.iter().any(|(_, id)| id == last) {
            let event = stream.next().await.expect("the stream continues");
            if !event.name.is_empty() {
                received.push((event.name.clone(), version(&event).0));
            }
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "no event of {last}: {received:?}");
    received
}

pub async fn changes_are_streamed_as_they_happen(system: &System) {
    let ana = TestUser::new(system, "live@example.com").await;
    let bob = TestUser::new(system, "live-bob@example.com").await;
    // Keeps the budget's month from ending during the test.
    ana.move_to_noon().await;
    let mut live = Stream::open(&system.client, ana.token(), None).await.expect("a stream");
    let beginning = live.one().await;
    assert!(beginning.name.is_empty() && !beginning.id.is_empty(), "{beginning:?}");

    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "balance": "100"})).await;
    let opened = live.until("account").await;
    assert_eq!(version(&opened), (bank.clone(), 1));
    bob.account(json!({"name": "Savings", "account_type": "bank"})).await;
    let food = ana.get("/api/v1/categories?type=expense&page_size=1").await.body["data"][0]["id"].clone();
    let budget = ana
        .post(
            "/api/v1/budgets",
            json!({"name": "F", "amount": "10", "category_id": food, "frequency": "monthly"}),
        )
        .await
        .text("id");
    assert_eq!(version(&live.until("budget").await), (budget.clone(), 1));
    let lunch = json!({"account_id": bank, "type": "expense", "amount": "9", "category_id": food});
    let lunch = ana.post("/api/v1/transactions", lunch).await.text("id");
    let posted = all_until(&mut live, &lunch).await;
    assert!(posted.contains(&("transaction".to_owned(), lunch.clone())), "{posted:?}");
    // The notification comes from another service and may arrive first.
    let notified = posted.iter().find(|(name, _)| name == "notification").map(|(_, id)| id.clone());
    let notification = match notified {
        Some(id) => (id, 1),
        None => version(&live.until("notification").await),
    };
    let inbox = ana.get("/api/v1/notifications").await;
    assert_eq!(inbox.body["data"][0]["id"], notification.0, "the threshold at 80%");
    let read =
        ana.patch(&format!("/api/v1/notifications/{}", notification.0), json!({"is_read": true})).await;
    assert_eq!(read.status, 200);
    assert_eq!(version(&live.until("notification").await), (notification.0, 2), "other devices receive it");

    // After a disconnect, the stream resumes with every event since, once.
    let renamed = ana.patch(&format!("/api/v1/accounts/{bank}"), json!({"name": "My bank"})).await;
    assert_eq!(renamed.status, 200);
    let last = live.until("account").await;
    drop(live);
    let goal = json!({"name": "Boat", "target_amount": "100"});
    let goal = ana.post("/api/v1/goals", goal).await.text("id");
    let edited = ana.patch(&format!("/api/v1/transactions/{lunch}"), json!({"description": "Lunch"})).await;
    assert_eq!(edited.status, 200);
    let mut live = Stream::open(&system.client, ana.token(), Some(&last.id)).await.expect("a stream");
    let mut names = Vec::new();
    while names.len() < 2 {
        // The stream may start with an event that only advances the id.
        names.extend(Some(live.one().await.name).filter(|name| !name.is_empty()));
    }
    names.sort();
    assert_eq!(names, ["goal", "transaction"]);
    let given = ana.post(&format!("/api/v1/goals/{goal}/contribute"), json!({"amount": "5"})).await;
    assert_eq!(given.status, 201);
    assert_eq!(version(&live.until("goal").await).0, goal, "a contribution changes the goal");

    // A position past the end.
    let mut lost = Stream::open(&system.client, ana.token(), Some("999999")).await.expect("a stream");
    let reset = lost.until("reset").await;
    assert_eq!(reset.data, "{}");
    assert!(reset.id.parse::<i64>().expect("a number") < 1000);
    for (after, status) in [("x", 400), ("-1", 400)] {
        assert_eq!(
            Stream::open(&system.client, ana.token(), Some(after)).await.expect_err("rejected"),
            status
        );
    }
    assert_eq!(Stream::open(&system.client, "invalid", None).await.expect_err("rejected"), 401);

    // The stream ends with the session.
    let logout = system.client.post_as(ana.token(), "/api/v1/auth/logout").await;
    assert_eq!(logout.status, 204);
    live.ended().await;
    lost.ended().await;
}

/// A reader resumes at another gateway.
pub async fn a_stream_resumes_at_another_gateway() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let ledger = system.ledger_grpc.clone();
    let second = system.start_gateway(Some(&ledger)).await;
    let second = Client::new(&format!("http://{second}"));
    let token = logged_in(&system, "roaming@example.com").await.text("access_token");
    let ana = TestUser::with_existing_token(&system, &token);
    let mut first_stream = Stream::open(&system.client, &token, None).await.expect("a stream");
    let mut second_stream = Stream::open(&second, &token, None).await.expect("a stream");
    let first = ana.account(json!({"name": "First", "account_type": "bank"})).await;
    let seen = first_stream.until("account").await;
    assert_eq!(version(&seen), (first, 1));
    assert_eq!(seen, second_stream.until("account").await, "the same event under the same id");
    drop((first_stream, second_stream));
    let missed = ana.account(json!({"name": "Second", "account_type": "bank"})).await;
    let mut second_stream = Stream::open(&second, &token, Some(&seen.id)).await.expect("a stream");
    assert_eq!(version(&second_stream.until("account").await), (missed, 1));
    // Events during an outage of notify-svc arrive after it restarts.
    system.kill_service("notify").await;
    let third = TestUser::with_existing_token(&system, &token)
        .account(json!({"name": "Third", "account_type": "bank"}))
        .await;
    system.restart_service("notify");
    system.wait_until_ready().await;
    assert_eq!(version(&second_stream.until("account").await), (third, 1));
    // A gateway that stops ends its streams.
    system.terminate().await;
    second_stream.ended().await;
}
