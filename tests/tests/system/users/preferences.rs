//! `/users/me/preferences`.

use chrono::TimeDelta;
use fintrac_tests::system::System;
use kit_core::clock::Clock;
use serde_json::json;

use crate::support::{PREFERENCES, TRANSACTIONS, TestUser, eventually, field_errors};

/// Today depends on the time zone: these two zones never have the same date.
pub async fn the_timezone_determines_today(system: &System) {
    let ana = TestUser::new(system, "traveling@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    for (zone, hours) in [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)] {
        assert_eq!(ana.patch(PREFERENCES, json!({"timezone": zone})).await.status, 200);
        eventually(zone, async || {
            let local_date = (Clock::System.now() + TimeDelta::hours(hours)).date_naive();
            let income = json!({"account_id": bank, "type": "income", "amount": "1"});
            let recorded = ana.post(TRANSACTIONS, income).await;
            recorded.text("transaction_date") == local_date.to_string()
        })
        .await;
    }
}

pub async fn every_invalid_field_is_named(system: &System) {
    let ana = TestUser::new(system, "wrong-preferences@example.com").await;
    for (body, status, expected) in [
        (
            json!({"notifications": {"welcome": {"mail": false}}}),
            422,
            "notifications.welcome NOTIFICATION_KIND_INVALID",
        ),
        (json!({"notifications": {"goal_reached": true}}), 400, "notifications.goal_reached WRONG_TYPE"),
        (json!({"locale": "xx"}), 422, "locale LOCALE_INVALID"),
        (json!({"theme": null}), 400, "theme WRONG_TYPE"),
    ] {
        let response = ana.patch(PREFERENCES, body).await;
        assert_eq!((response.status, field_errors(&response)), (status, vec![expected.to_owned()]));
    }
    let preferences = ana.get(PREFERENCES).await;
    assert_eq!((preferences.status, preferences.headers["etag"].to_str().ok()), (200, Some("\"1\"")));
    assert_eq!(preferences.body["notifications"]["goal_reached"], json!({"mail": true, "inbox": true}));
    let unknown = ana.get("/api/v1/users/me?nonsense=1").await;
    assert_eq!(
        (unknown.status, field_errors(&unknown)),
        (400, vec!["nonsense PARAMETER_INVALID".to_owned()])
    );
}
