//! `/transactions/recurring`, and the notification of large transactions.

use fintrac_tests::system::System;
use serde_json::{Value, json};

use crate::support::{ACCOUNTS, NOTIFICATIONS, PREFERENCES, TRANSACTIONS, TestUser, eventually};

pub async fn recurring_and_large_transactions(system: &System) {
    let ana = TestUser::new(system, "again@example.com").await;
    ana.move_to_noon().await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank", "currency_code": "EUR"})).await;
    let limit = ana.patch(PREFERENCES, json!({"large_transaction_limit": "500", "locale": "en"})).await;
    assert_eq!(limit.status, 200, "{limit:?}");
    let rent = json!({"account_id": bank, "type": "expense", "amount": "900", "description": "Rent",
        "recurring": {"frequency": "monthly"}});
    let first = ana.post(TRANSACTIONS, rent).await;
    assert_eq!(first.status, 201, "{first:?}");
    let path = format!("{TRANSACTIONS}/recurring/{}", first.text("recurring_id"));
    let rule = ana.get(&path).await;
    assert_eq!((rule.status, rule.text("status").as_str()), (200, "active"));
    assert_eq!(rule.body["preview"].as_array().map(Vec::len), Some(10));
    let message = system.mailbox.wait("large_transaction", "again@example.com").await;
    assert!(message.text.contains("900.00") && message.text.contains("500.00"), "{}", message.text);

    let daily = json!({"account_id": bank, "type": "income", "amount": "1", "description": "Interest",
        "rrule": "FREQ=DAILY;COUNT=3"});
    let daily = ana.post(&format!("{TRANSACTIONS}/recurring"), daily).await;
    assert_eq!(daily.status, 201, "{daily:?}");
    eventually("the user is notified", async || {
        let inbox = ana.list_all(NOTIFICATIONS).await;
        inbox.iter().any(|item| item["kind"] == "recurring_posted" && item["entity_id"] == daily.body["id"])
    })
    .await;
    assert_eq!(ana.balance(&bank).await, "-899.00");
    let daily = format!("{TRANSACTIONS}/recurring/{}", daily.text("id"));
    assert_eq!(ana.post(&format!("{daily}/pause"), Value::Null).await.text("status"), "paused");
    assert_eq!(ana.post(&format!("{daily}/resume"), Value::Null).await.text("status"), "active");
    assert_eq!(ana.post(&format!("{daily}/skip"), Value::Null).await.status, 200);
    let changed = ana.patch(&daily, json!({"amount": "2", "count": null, "rrule": "FREQ=WEEKLY"})).await;
    assert_eq!((changed.status, changed.text("rrule").as_str()), (200, "FREQ=WEEKLY"), "{changed:?}");
    let invalid = ana.patch(&daily, json!({"rrule": "FREQ=HOURLY", "weekend": "never"})).await;
    let fields: Vec<_> =
        invalid.body["errors"].as_array().expect("errors").iter().map(|item| item["field"].clone()).collect();
    assert_eq!((invalid.status, fields), (422, vec![json!("weekend"), json!("rrule")]));
    assert_eq!(ana.delete(&daily).await.status, 204);
    assert_eq!(ana.get(&daily).await.status, 404);

    // Closing an account pauses its recurring transactions and notifies the user.
    assert_eq!(ana.delete(&format!("{ACCOUNTS}/{bank}?with_balance=true")).await.status, 204);
    assert_eq!(ana.get(&path).await.text("paused_reason"), "ACCOUNT_CLOSED");
    let message = system.mailbox.wait("recurring_failed", "again@example.com").await;
    assert!(message.text.contains("archived or deleted"), "{}", message.text);
}
