//! Tests rate providers: real responses served on loopback, and their failures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use chrono::{DateTime, TimeDelta};
use fintrac_proto::ledger::v1 as pb;
use kit_core::clock::Clock;
use kit_core::headers::{IDEMPOTENCY_KEY, REPLAYED};
use kit_core::random::Random;
use ledger_svc::{
    Config, RateProvider, RateProviderClient, RateProviderConfig, RateProviderError, sync_rates,
};

use crate::support::{Ledger, User, entry, field_violations};

const CURRENCY_API: &str = include_str!("../fixtures/currency-api-usd.json");
const ECB: &str = include_str!("../fixtures/ecb-daily.csv");

/// The server's next status and body; `None` keeps the body pending forever.
type ScriptedReply = Arc<Mutex<Option<(u16, String)>>>;

/// Starts a server on loopback and returns its URL.
async fn serve(scripted: &ScriptedReply) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/rates", listener.local_addr().expect("an address"));
    let scripted = Arc::clone(scripted);
    let respond = move || {
        let reply = scripted.lock().expect("no panic").clone();
        async move {
            match reply {
                Some((status, body)) => {
                    (StatusCode::from_u16(status).expect("a status"), body).into_response()
                }
                None => Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>())
                    .into_response(),
            }
        }
    };
    let router = Router::new().fallback(respond);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn scripted_reply(status: u16, body: &str) -> ScriptedReply {
    Arc::new(Mutex::new(Some((status, body.to_owned()))))
}

fn set_reply(scripted: &ScriptedReply, status: u16, body: &str) {
    *scripted.lock().expect("no panic") = Some((status, body.to_owned()));
}

async fn client(provider: RateProvider, scripted: &ScriptedReply) -> RateProviderClient {
    RateProviderClient::new(provider, serve(scripted).await.parse().expect("a URL")).expect("a client")
}

/// Starts a ledger whose clock is `days` days ahead, after the fixtures' days.
async fn ledger(days: i64) -> Ledger {
    let ledger = Ledger::start().await;
    ledger.advance_clock(TimeDelta::days(days));
    ledger
}

async fn sync(ledger: &Ledger, client: &RateProviderClient) -> Result<usize, String> {
    let synced = sync_rates(client, &ledger.pool, &ledger.clock, &Random::System).await;
    synced.map_err(|error| error.to_string())
}

/// Reads a currency's current rate with its date and source.
async fn rate(user: &User, base: &str, code: &str) -> String {
    let request = pb::ListExchangeRatesRequest { base: base.into(), date: String::new() };
    let list = user.call(user.currencies().list_exchange_rates(request)).await.expect("rates");
    let rates = list.into_inner().rates;
    let found = rates.into_iter().find(|rate| rate.currency_code == code).expect("the currency");
    let rate = found.rate.expect("a rate");
    format!("{} {} {}", rate.rate, rate.date, rate.source)
}

#[tokio::test]
async fn real_responses_of_both_providers_are_parsed() {
    let ledger = ledger(60).await;
    let ana = ledger.user("EUR");
    let currency_api = client(RateProvider::CurrencyApi, &scripted_reply(200, CURRENCY_API)).await;
    sync(&ledger, &currency_api).await.expect("imported");
    assert_eq!(rate(&ana, "USD", "AED").await, "3.6725 2026-09-29 currency_api");
    let of_provider = "select count(*) from ledger.exchange_rates where source = 'currency_api'";
    assert!(ledger.query_i64(of_provider).await >= 150, "at least 150 currencies must be imported");
    let ecb = client(RateProvider::Ecb, &scripted_reply(200, ECB)).await;
    sync(&ledger, &ecb).await.expect("imported");
    assert_eq!(rate(&ana, "EUR", "USD").await, "1.1172 2026-10-30 ecb");
    assert_eq!(
        rate(&ana, "USD", "AED").await,
        "3.6725 2026-09-29 currency_api",
        "rates of other providers must not change"
    );
    sync(&ledger, &ecb).await.expect("imported again");
}

#[tokio::test]
async fn a_bad_response_leaves_the_last_good_rates_in_force() {
    let ledger = ledger(9).await;
    let ana = ledger.user("EUR");
    let scripted = scripted_reply(200, CURRENCY_API);
    let client = client(RateProvider::CurrencyApi, &scripted).await;
    sync(&ledger, &client).await.expect("imported");
    let before = "select sum(hashtext(base_code || currency_code || day || rate || source)) from ledger.exchange_rates";
    let good = ledger.query_i64(before).await;
    let other_day = CURRENCY_API.replace("2026-09-29", "2026-09-30");
    let halved = other_day.replace("\"aed\": 3.6725", "\"aed\": 1.83");
    let doubled = other_day.replace(": ", ": 9").replace(": 9\"", ": \"").replace(": 9{", ": {");
    let huge = format!("{CURRENCY_API}{}", " ".repeat(5 * 1024 * 1024));
    for (status, body, expected) in [
        (500, CURRENCY_API, "responded 500"),
        (404, "", "responded 404"),
        (200, &CURRENCY_API[..CURRENCY_API.len() / 2], "an invalid list of rates"),
        (200, "", "an invalid list of rates"),
        (200, "<html>Sorry</html>", "an invalid list of rates"),
        (200, &huge, "more than"),
        (200, &doubled, "implausible rates"),
        (200, &CURRENCY_API.replace("2026-09-29", "2027-01-01"), "implausible rates"),
    ] {
        set_reply(&scripted, status, body);
        let error = sync(&ledger, &client).await.expect_err("a rejected response");
        assert!(error.contains(expected), "{error} must contain {expected}");
        assert_eq!(ledger.query_i64(before).await, good, "{expected}");
    }
    // One implausible rate is rejected; the others of that response are imported.
    set_reply(&scripted, 200, &halved);
    let error = sync(&ledger, &client).await.expect_err("an implausible rate");
    assert!(error.contains("1 of them: AED 1.83"), "{error}");
    assert_eq!(rate(&ana, "USD", "AED").await, "3.6725 2026-09-29 currency_api");
    assert!(rate(&ana, "USD", "EUR").await.ends_with("2026-09-30 currency_api"));
    let closed = RateProviderClient::new(RateProvider::Ecb, "http://127.0.0.1:9/".parse().expect("a URL"))
        .expect("a client");
    assert!(sync(&ledger, &closed).await.expect_err("no server listens").contains("cannot be reached"));
}

#[tokio::test]
async fn each_rate_is_compared_with_those_around_its_own_day() {
    let ledger = ledger(60).await;
    let ana = ledger.user("EUR");
    let scripted = scripted_reply(200, CURRENCY_API);
    let client = client(RateProvider::CurrencyApi, &scripted).await;
    sync(&ledger, &client).await.expect("imported");
    let today = CURRENCY_API.replace("2026-09-29", "2026-11-19");
    set_reply(&scripted, 200, &today);
    sync(&ledger, &client).await.expect("imported weeks later");
    // An old day again, with implausible rates.
    let doubled = |text: &str| text.replace(": ", ": 9").replace(": 9\"", ": \"").replace(": 9{", ": {");
    set_reply(&scripted, 200, &doubled(CURRENCY_API));
    let error = sync(&ledger, &client).await.expect_err("implausible rates");
    assert!(error.contains("implausible rates"), "{error}");
    // A mistyped manual rate of a day far ahead must not serve as reference.
    let slip = pb::SetExchangeRateRequest {
        base: "USD".into(),
        currency_code: "AED".into(),
        rate: "9".into(),
        date: Some("2062-11-19".into()),
    };
    ana.call(ana.currencies().set_exchange_rate(slip)).await.expect("set");
    let halved = today.replace("2026-11-19", "2026-11-20").replace("\"aed\": 3.6725", "\"aed\": 1.83");
    set_reply(&scripted, 200, &halved);
    let error = sync(&ledger, &client).await.expect_err("an implausible rate");
    assert!(error.contains("1 of them: AED 1.83"), "{error}");
    assert_eq!(rate(&ana, "USD", "AED").await, "3.6725 2026-11-19 currency_api");
}

#[tokio::test]
async fn a_rate_set_again_with_its_key_is_the_first_one() {
    let ledger = ledger(9).await;
    let ana = ledger.user("EUR");
    let set = async || {
        let request = pb::SetExchangeRateRequest {
            base: "USD".into(),
            currency_code: "AED".into(),
            rate: "4".into(),
            date: None,
        };
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert(IDEMPOTENCY_KEY, "rate".parse().expect("a key"));
        let response = ana.call(ana.currencies().set_exchange_rate(request)).await.expect("set");
        let replayed = response.metadata().contains_key(REPLAYED);
        (response.into_inner().rate.expect("one").rate.expect("a rate").date, replayed)
    };
    let (day, replayed) = set().await;
    assert!(!replayed);
    ledger.advance_clock(TimeDelta::hours(20));
    assert_eq!(set().await, (day, true));
}

#[tokio::test]
async fn a_provider_that_sends_nothing_times_out() {
    let client = client(RateProvider::Ecb, &ScriptedReply::default()).await;
    let client = client.with_timeout(Duration::from_millis(200));
    let timed_out =
        tokio::time::timeout(Duration::from_mins(1), client.fetch()).await.expect("the fetch ends in time");
    assert!(matches!(timed_out, Err(RateProviderError::Http(_))), "{timed_out:?}");
}

#[tokio::test]
async fn the_job_fills_unpriced_amounts_and_reports_errors() {
    let clock = Clock::manual(DateTime::from_timestamp(1_790_900_000, 0).expect("an instant"));
    let scripted = scripted_reply(503, "");
    let url = serve(&scripted).await.parse().expect("a URL");
    let provider_config =
        RateProviderConfig { provider: RateProvider::CurrencyApi, url, interval: TimeDelta::days(1) };
    let config = Config { rate_provider: Some(provider_config), ..Config::default() };
    let ledger = Ledger::start_with(config, clock).await;
    let query = "select count(*) from ledger.jobs
        where queue = 'exchange-rates' and attempts > 0 and last_error like '%responded 503%'";
    let until = async |sql: &str| {
        let reached = async { while ledger.query_i64(sql).await != 1 {} };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect(sql);
    };
    until(query).await;
    let ana = ledger.user("EUR");
    let dollars = ana.account("Dollars", "USD", "").await;
    ledger.execute("delete from ledger.exchange_rates").await;
    let open = pb::CreateTransactionRequest {
        transaction_date: Some("2026-10-01".into()),
        ..entry(&dollars, "expense", "10.00")
    };
    let open = ana.post(open).await.expect("posted");
    assert_eq!(open.household_amount, None, "the amount must be unpriced without a rate");
    set_reply(&scripted, 200, CURRENCY_API);
    ledger.advance_clock(TimeDelta::hours(1));
    until("select count(*) from ledger.jobs where queue = 'exchange-rates' and attempts = 0").await;
    until("select count(*) from ledger.transactions where household_amount is not null").await;
    ledger.verify().await;
}

#[tokio::test]
async fn a_manual_rate_takes_precedence_over_the_providers() {
    let ledger = ledger(9).await;
    let ana = ledger.user("EUR");
    let client = client(RateProvider::CurrencyApi, &scripted_reply(200, CURRENCY_API)).await;
    let set = async |base: &str, code: &str, rate: &str, date: &str| {
        let request = pb::SetExchangeRateRequest {
            base: base.into(),
            currency_code: code.into(),
            rate: rate.into(),
            date: Some(date.into()),
        };
        ana.call(ana.currencies().set_exchange_rate(request)).await
    };
    set("usd", "AED", "4.5", "2026-09-29").await.expect("set");
    sync(&ledger, &client).await.expect("imported");
    assert_eq!(rate(&ana, "USD", "AED").await, "4.5 2026-09-29 manual");
    set("EUR", "CHF", "2", "2026-09-29").await.expect("set");
    let ecb = "insert into ledger.exchange_rates values ('EUR', 'GBP', '2026-09-29', 0.8, 'ecb')";
    ledger.execute(ecb).await;
    assert_eq!(rate(&ana, "EUR", "CHF").await, "2 2026-09-29 manual");
    let dollars = rate(&ana, "USD", "CHF").await;
    assert!(dollars.ends_with("2026-09-29 manual"), "the rate must hold on the other base, too: {dollars}");
    assert_eq!(
        rate(&ana, "GBP", "CHF").await,
        "2.5 2026-09-29 ecb",
        "a cross rate must name its other source"
    );
    let query = "select count(*) from ledger.events where entity = 'exchange_rate' and kind = 'set'";
    assert_eq!(ledger.query_i64(query).await, 2);
    let rejected = field_violations(set("GBP", "XXX", "1e3", "yesterday").await);
    let expected = [
        ("base", "CURRENCY_INVALID"),
        ("currency_code", "CURRENCY_INVALID"),
        ("rate", "RATE_INVALID"),
        ("date", "DATE_INVALID"),
    ];
    assert_eq!(rejected, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    for bad in ["0", "-1", "", "1,5", "+1"] {
        assert_eq!(
            field_violations(set("EUR", "CHF", bad, "2026-09-29").await)[0].1,
            "RATE_INVALID",
            "{bad}"
        );
    }
    assert_eq!(field_violations(set("EUR", "EUR", "1", "2026-09-29").await)[0].1, "CONFLICTING");
}
