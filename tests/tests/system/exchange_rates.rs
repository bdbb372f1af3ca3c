//! `/exchange-rates` and `/currencies`.

use fintrac_tests::system::System;

use crate::support::{TestUser, field_errors};

pub async fn amounts_are_converted(system: &System) {
    let ana = TestUser::new(system, "converted@example.com").await;
    let converted = ana.get("/api/v1/exchange-rates/convert?from=usd&to=JPY&amount=10&date=2026-10-01").await;
    assert_eq!(
        (converted.status, converted.body["exchange_rate"]["date"].as_str()),
        (200, Some("2026-09-29"))
    );
    let rates = ana.get("/api/v1/exchange-rates?base=EUR").await;
    assert!(rates.body["data"].as_array().is_some_and(|rates| rates.len() >= 170));
    assert!(ana.list_all("/api/v1/currencies").await.len() >= 170);
    assert_eq!(ana.get("/api/v1/currencies/btc").await.body["decimals"], 8);
    let unknown = ana.get("/api/v1/currencies?nonsense=1").await;
    assert_eq!(
        (unknown.status, field_errors(&unknown)),
        (400, vec!["nonsense PARAMETER_INVALID".to_owned()])
    );
}
