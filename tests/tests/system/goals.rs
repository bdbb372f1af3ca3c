//! `/goals`.

use fintrac_tests::system::System;
use serde_json::json;

use crate::support::{GOALS, PREFERENCES, TRANSACTIONS, TestUser, eventually, field_errors};

/// A goal passes a milestone by a transfer, loses a voided one, and is completed by an earmark.
///
/// The notifications use the user's current language and preferences.
pub async fn contributions_complete_a_goal(system: &System) {
    let email = "saving@example.com";
    let ana = TestUser::new(system, email).await;
    let bank = json!({"name": "Bank", "account_type": "bank", "currency_code": "USD", "balance": "3000"});
    let bank = ana.account(bank).await;
    let card = ana.account(json!({"name": "Card", "account_type": "card", "balance": "850"})).await;
    let english = json!({"locale": "en", "notifications": {"goal_reached": {"mail": false}}});
    assert_eq!(ana.patch(PREFERENCES, english).await.status, 200);
    let savings = ana.account(json!({"name": "Savings", "account_type": "bank"})).await;
    let goal =
        json!({"name": "Boat", "target_amount": "1000.00", "account_id": savings, "due_date": "2027-06-30"});
    let goal = format!("{GOALS}/{}", ana.create(GOALS, goal).await);
    let contribute = format!("{goal}/contribute");
    let from_card = ana.post(&contribute, json!({"amount": "300", "account_id": card})).await;
    assert_eq!((from_card.status, from_card.text("status").as_str()), (201, "done"), "{from_card:?}");
    let transfer = ana.get(&format!("{TRANSACTIONS}/{}", from_card.text("transaction_id"))).await;
    assert_eq!((transfer.status, transfer.text("type").as_str()), (200, "transfer"));
    assert_eq!(ana.balance(&savings).await, "300.00");
    system.mailbox.wait("goal_milestone", email).await;
    assert_eq!(system.mailbox.subjects("goal_milestone", email), ["Boat: 25% of the way"]);
    let from_bank = ana.post(&contribute, json!({"amount": "100", "account_id": bank})).await;
    assert_eq!((from_bank.status, ana.balance(&savings).await.as_str()), (201, "400.00"), "from dollars");
    let moved = format!("{TRANSACTIONS}/{}", from_bank.text("transaction_id"));
    assert_eq!(ana.delete(&moved).await.status, 204);
    eventually("the void reduces the goal", async || ana.get(&goal).await.text("current_amount") == "300.00")
        .await;
    let earmark = ana.post(&contribute, json!({"amount": "700.00", "note": "From the drawer"})).await;
    assert_eq!(earmark.status, 201);
    let reached = ana.get(&goal).await;
    assert_eq!((reached.text("status").as_str(), reached.text("percent").as_str()), ("completed", "100.00"));
    eventually("the notification is in the inbox", async || {
        ana.inbox("&unread=true").await.first().is_some_and(|kind| kind == "goal_reached")
    })
    .await;
    let contributions = ana.list_all(&format!("{goal}/contributions?page_size=1")).await;
    let states: Vec<_> =
        contributions.iter().map(|item| item["status"].as_str().expect("a status")).collect();
    assert_eq!(states, ["done", "voided", "done"]);
    assert_eq!(ana.delete(&goal).await.status, 204);
    assert!(ana.list_all(GOALS).await.is_empty());
    assert!(system.mailbox.subjects("goal_reached", email).is_empty(), "emails of this kind are disabled");
    assert_eq!(system.mailbox.subjects("goal_milestone", email).len(), 1);
}

pub async fn other_households_see_nothing(system: &System) {
    let ana = TestUser::new(system, "private-goal@example.com").await;
    let card = ana.account(json!({"name": "Card", "account_type": "card"})).await;
    let boat = json!({"name": "x", "target_amount": "1", "account_id": card});
    let goal = format!("{GOALS}/{}", ana.create(GOALS, boat.clone()).await);
    let bob = TestUser::new(system, "curious-goal@example.com").await;
    for path in [&goal, &format!("{goal}/contributions")] {
        assert_eq!(bob.get(path).await.status, 404, "{path}");
    }
    assert_eq!(bob.post(&format!("{goal}/contribute"), json!({"amount": "1"})).await.status, 404);
    assert_eq!(bob.patch(&goal, json!({"name": "Mine"})).await.status, 404);
    assert_eq!(bob.delete(&goal).await.status, 404);
    let rejected = bob.post(GOALS, boat).await;
    assert_eq!(
        (rejected.status, field_errors(&rejected)),
        (422, vec!["account_id ACCOUNT_NOT_FOUND".to_owned()])
    );
    assert!(bob.list_all(GOALS).await.is_empty());
}

pub async fn every_invalid_field_is_named(system: &System) {
    let ana = TestUser::new(system, "wrong-goal@example.com").await;
    let goal = ana.create(GOALS, json!({"name": "Boat", "target_amount": 5})).await;
    let goal = format!("{GOALS}/{goal}");
    let more = ana.post(&format!("{goal}/withdraw"), json!({"amount": "1"})).await;
    assert_eq!((more.status, field_errors(&more)), (422, vec!["amount GOAL_AMOUNT_EXCEEDED".to_owned()]));
    assert_eq!(ana.patch(&goal, json!({"status": "cancelled"})).await.status, 200);
    let cancelled = ana.post(&format!("{goal}/contribute"), json!({"amount": "1"})).await;
    assert_eq!((cancelled.status, cancelled.code()), (409, "GOAL_CANCELLED"));
    assert_eq!(ana.patch(&goal, json!({"status": "active"})).await.status, 200);
    let card = ana.account(json!({"name": "Card", "account_type": "card"})).await;
    let unlinked = ana.post(&format!("{goal}/contribute"), json!({"amount": "1", "account_id": card})).await;
    assert_eq!((unlinked.status, field_errors(&unlinked)), (422, vec!["account_id CONFLICTING".to_owned()]));
    let mismatch = ana.account(json!({"name": "Yen", "account_type": "cash", "currency_code": "JPY"})).await;
    let mismatch = ana.patch(&goal, json!({"account_id": mismatch})).await;
    assert_eq!(
        (mismatch.status, field_errors(&mismatch)),
        (422, vec!["account_id CURRENCY_MISMATCH".to_owned()])
    );
}
