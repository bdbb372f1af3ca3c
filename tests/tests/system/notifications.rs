//! `/notifications`, and the links in their emails.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ACCOUNTS, GOALS, NOTIFICATIONS, PREFERENCES, TestUser, eventually, field_errors};

/// Creates a user who reads English and has notifications of a milestone and a completed goal.
async fn user_with_goal<'a>(system: &'a System, email: &str) -> (TestUser<'a>, String) {
    let ana = TestUser::new(system, email).await;
    assert_eq!(ana.patch(PREFERENCES, json!({"locale": "en"})).await.status, 200);
    let goal = ana.create(GOALS, json!({"name": "Boat", "target_amount": "1000"})).await;
    for (amount, kind) in [("300", "goal_milestone"), ("700", "goal_reached")] {
        ana.create(&format!("{GOALS}/{goal}/contribute"), json!({"amount": amount})).await;
        system.mailbox.wait(kind, email).await;
    }
    eventually("the inbox is complete", async || {
        let mut kinds = ana.inbox("&unread=true").await;
        let newest = kinds.first().cloned();
        kinds.sort();
        newest.is_some_and(|kind| kind == "goal_reached")
            && kinds == ["goal_milestone", "goal_reached", "welcome"]
    })
    .await;
    (ana, goal)
}

pub async fn notifications_are_marked_as_read(system: &System) {
    let (ana, goal) = user_with_goal(system, "notified@example.com").await;
    let newest = ana.get(NOTIFICATIONS).await.body["data"][0].clone();
    assert_eq!((&newest["title"], &newest["entity_id"]), (&json!("Boat: goal reached"), &json!(goal)));
    let one = format!("{NOTIFICATIONS}/{}", newest["id"].as_str().expect("an id"));
    assert_eq!(ana.patch(&one, json!({"is_read": true})).await.status, 200);
    assert_eq!(ana.inbox("&unread=true").await.len(), 2);
    assert_eq!(ana.post(&format!("{NOTIFICATIONS}/read-all"), Value::Null).await.status, 204);
    assert_eq!((ana.inbox("&unread=true").await.len(), ana.inbox("").await.len()), (0, 3));
    let unread = ana.get(&format!("{NOTIFICATIONS}?unread=x")).await;
    assert_eq!(field_errors(&unread), ["unread PARAMETER_INVALID"]);

    let bob = TestUser::new(system, "curious-inbox@example.com").await;
    assert_eq!(bob.patch(&one, json!({"is_read": true})).await.status, 404);
    assert!(bob.list_all(ACCOUNTS).await.is_empty());
    eventually("the welcome notification", async || bob.inbox("").await == ["welcome"]).await;
}

/// The linked page acts only on its button.
///
/// An email client sends the button's request itself (RFC 8058).
pub async fn the_link_in_an_email_unsubscribes_from_its_kind(system: &System) {
    let (ana, _) = user_with_goal(system, "unsubscribing@example.com").await;
    let message = system.mailbox.wait("goal_milestone", "unsubscribing@example.com").await;
    let (_, link) = message.text.split_once("http://gateway.example/unsubscribe").expect("a link");
    let path = format!("/unsubscribe{}", link.split_whitespace().next().expect("a token"));
    let emails = async || ana.get(PREFERENCES).await.body["notifications"]["goal_milestone"]["mail"].clone();
    let (status, page) = system.client.page(system.client.request(Method::GET, &path)).await;
    assert!(status == 200 && page.contains("<button"), "{page}");
    assert_eq!(emails().await, true, "opening the link changes nothing");
    let press = |path: &str| {
        let request = system.client.request(Method::POST, path);
        let form = "application/x-www-form-urlencoded";
        request.header("content-type", form).body("List-Unsubscribe=One-Click")
    };
    assert_eq!(system.client.page(press(&path)).await.0, 200);
    assert_eq!(emails().await, false);
    let (status, page) = system.client.page(press(&format!("{path}x"))).await;
    assert!((400..500).contains(&status) && page.contains("FinTrac"), "{page}");
}
