//! `/users/me/audit-log`.

use fintrac_tests::system::System;
use serde_json::{Value, json};

use crate::support::{GOALS, PREFERENCES, TRANSACTIONS, TestUser, eventually};

/// The user's audit log contains the changes of all services, with their origin.
pub async fn every_change_is_in_the_audit_log(system: &System) {
    let user = TestUser::new(system, "record@example.com").await;
    let bank = user.account(json!({"name": "Bank", "account_type": "bank"})).await;
    user.create(TRANSACTIONS, json!({"account_id": bank, "type": "income", "amount": "5"})).await;
    user.create(GOALS, json!({"name": "Boat", "target_amount": "100"})).await;
    user.patch(PREFERENCES, json!({"theme": "dark"})).await;
    let expected = [
        "auth preferences updated",
        "budget goal created",
        "ledger account created",
        "ledger transaction created",
    ];
    eventually("every change is in the log", async || {
        let log = user.get("/api/v1/users/me/audit-log?page_size=200").await;
        let rows = log.body["data"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        // Only a registration is recorded without an authenticated user.
        let is_anonymous = |row: &Value| text(row, "actor") == "gateway";
        let is_registration = |row: &Value| matches!(text(row, "entity").as_str(), "user" | "challenge");
        let whole = rows
            .iter()
            .all(|row| row["actor"] == row["user_id"] || (is_anonymous(row) && is_registration(row)));
        let seen: Vec<_> = rows
            .iter()
            .map(|row| format!("{} {} {}", text(row, "part"), text(row, "entity"), text(row, "action")))
            .collect();
        whole && expected.iter().all(|expected| seen.iter().any(|seen| seen == expected))
    })
    .await;
}
