//! `/admin/exchange-rates`.

use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::json;

use crate::support::TestUser;

pub async fn users_cannot_set_rates(system: &System) {
    let ana = TestUser::new(system, "own-rates@example.com").await;
    let rate = json!({"base": "EUR", "currency_code": "CHF", "rate": "1"});
    let denied = ana.request(Method::PUT, "/api/v1/admin/exchange-rates").json(&rate);
    assert_eq!(system.client.send(denied).await.code(), "PERMISSION_DENIED");
}
