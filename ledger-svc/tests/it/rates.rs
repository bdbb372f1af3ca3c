//! Tests bundled rates, the ECB's history, and household amounts filled later.

use std::io::Write as _;

use chrono::{NaiveDate, TimeDelta};
use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry, error_reason, field_violations};

async fn convert(
    user: &User,
    from: &str,
    to: &str,
    amount: &str,
    date: &str,
) -> Result<pb::ConvertAmountResponse, tonic::Status> {
    let request = pb::ConvertAmountRequest {
        from: from.into(),
        to: to.into(),
        amount: amount.into(),
        date: date.into(),
    };
    Ok(user.call(user.currencies().convert_amount(request)).await?.into_inner())
}

/// Returns a history in the ECB's form: `days` days up to 1 October 2026.
fn history(days: i64) -> String {
    let last = NaiveDate::from_ymd_opt(2026, 10, 1).expect("a day");
    let row = |number: i64| {
        let day = last - TimeDelta::days(number);
        format!("{day},1.{:04},{}.5,N/A,7,\n", number % 9000 + 1000, 150 + number % 50)
    };
    "Date,USD,JPY,HRK,XYZ,\n".to_owned() + &(0..days).map(row).collect::<String>()
}

fn file(text: &str, zipped: bool) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    if zipped {
        let mut archive = zip::ZipWriter::new(file.as_file());
        archive.start_file("eurofxref-hist.csv", zip::write::SimpleFileOptions::default()).expect("started");
        archive.write_all(text.as_bytes()).expect("written");
        archive.finish().expect("finished");
    } else {
        file.write_all(text.as_bytes()).expect("written");
    }
    file
}

#[tokio::test]
async fn every_currency_has_a_bundled_rate() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let currencies = ana.call(ana.currencies().list_currencies(pb::ListCurrenciesRequest {})).await;
    let currencies = currencies.expect("a list").into_inner().currencies;
    assert!(currencies.iter().filter(|currency| currency.is_active).count() >= 170);
    let rates = pb::ListExchangeRatesRequest { base: "JPY".into(), date: "2026-11-01".into() };
    let rates = ana.call(ana.currencies().list_exchange_rates(rates)).await.expect("rates").into_inner();
    assert_eq!(rates.rates.len(), currencies.len() - 1);
    assert!(rates.rates.iter().all(|row| row.rate.as_ref().is_some_and(|rate| rate.source == "bundled")));
    let yen = pb::GetCurrencyRequest { code: "jpy".into() };
    let yen = ana.call(ana.currencies().get_currency(yen)).await.expect("yen").into_inner().currency;
    assert_eq!(yen.map(|currency| (currency.decimals, currency.symbol)), Some((0, "¥".into())));
    let nothing = pb::GetCurrencyRequest { code: "XYZ".into() };
    assert_eq!(error_reason(ana.call(ana.currencies().get_currency(nothing)).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_restart_does_not_replace_a_better_source() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    ledger
        .execute("update ledger.exchange_rates set rate = 2, source = 'ecb' where currency_code = 'AED'")
        .await;
    let ana = ledger.replica().await.client_for(&ana);
    let rate = convert(&ana, "USD", "AED", "1", "2026-10-01").await.expect("a rate").rate.expect("a rate");
    assert_eq!((rate.rate.as_str(), rate.source.as_str()), ("2", "ecb"));
}

#[tokio::test]
async fn seven_thousand_days_of_ecb_rates_are_imported() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let archive = file(&history(7000), true);
    let stored = ledger_svc::import_ecb(&ledger.pool, archive.path()).await.expect("imported");
    assert_eq!(stored, 14_000);
    let again = ledger_svc::import_ecb(&ledger.pool, file(&history(7000), false).path()).await;
    assert_eq!(again.expect("imported"), 0, "importing the same file must change nothing");
    let old = convert(&ana, "eur", "USD", "100", "2010-06-01").await.expect("an old rate");
    let rate = old.rate.expect("a rate");
    assert_eq!((rate.source.as_str(), rate.date.as_str()), ("ecb", "2010-06-01"));
    let newest = convert(&ana, "EUR", "JPY", "2", "2026-10-20").await.expect("the last rate before the day");
    assert_eq!((newest.result.as_str(), newest.rate.expect("a rate").date.as_str()), ("301", "2026-10-01"));
    let across = convert(&ana, "USD", "JPY", "11.00", "2026-10-01").await.expect("a cross rate");
    assert_eq!(across.result, "1505");
    let bundled =
        convert(&ana, "EUR", "AED", "1", "2026-10-01").await.expect("a rate that the ECB does not publish");
    assert_eq!(bundled.rate.expect("a rate").source, "bundled");
    assert_eq!(error_reason(convert(&ana, "EUR", "AED", "1", "2020-01-01").await), "RATE_NOT_FOUND");
    let same = convert(&ana, "EUR", "EUR", "1.23", "").await.expect("the same currency");
    assert_eq!((same.result.as_str(), same.rate.expect("a rate").source.as_str()), ("1.23", "identity"));
    let bad = field_violations(convert(&ana, "XYZ", "", "1e3", "x").await);
    assert_eq!(bad.into_iter().map(|(field, _)| field).collect::<Vec<_>>(), ["from", "to", "date", "amount"]);
    for bad in ["", "nothing", "Date,USD\n2026-01-01,-1\n"] {
        assert!(ledger_svc::import_ecb(&ledger.pool, file(bad, false).path()).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_missing_rate_rejects_nothing_and_is_filled_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let dollars = ana.account("Dollars", "USD", "").await;
    let on = |day: &str, amount: &str| pb::CreateTransactionRequest {
        transaction_date: Some(day.into()),
        ..entry(&dollars, "expense", amount)
    };
    let kept = ana.post(on("2020-05-05", "10")).await.expect("posted without a rate");
    let edited = ana.post(on("2020-05-05", "20")).await.expect("posted");
    let voided = ana.post(on("2020-05-06", "30")).await.expect("posted");
    assert_eq!(kept.household_amount, None);
    ana.edit(&edited.id, on("2020-05-05", "25"), &["amount"]).await.expect("edited");
    ana.void(&voided.id).await.expect("voided");
    ledger.verify().await;
    let random = kit_core::random::Random::System;
    let fill = || ledger_svc::fill_household_amounts(&ledger.pool, &ledger.clock, &random);
    assert_eq!(fill().await.expect("no rate to fill with yet"), 0);
    assert_eq!(ana.find(&kept.id).await.expect("there").household_amount, None);

    ledger
        .execute("insert into ledger.exchange_rates values ('EUR', 'USD', '2020-05-04', 1.25, 'ecb')")
        .await;
    assert!(fill().await.expect("filled") > 0);
    let query = "select count(*) from ledger.events where kind = 'valued' and changed = '{household_amount}'";
    assert_eq!(ledger.query_i64(query).await, 3, "each transaction must record one event");
    let amount = async |id: &str| ana.find(id).await.expect("there").household_amount;
    assert_eq!(amount(&kept.id).await.as_deref(), Some("8.00"));
    assert_eq!(amount(&edited.id).await.as_deref(), Some("20.00"));
    let total =
        "select sum(household_change)::int8 from ledger.daily_totals join ledger.accounts on id = account_id";
    assert_eq!(ledger.query_i64(total).await, -2800);
    ledger.verify().await;

    ledger.execute("insert into ledger.exchange_rates values ('EUR', 'USD', '2020-05-05', 2, 'ecb')").await;
    assert_eq!(fill().await.expect("nothing is unpriced"), 0);
    assert_eq!(amount(&kept.id).await.as_deref(), Some("8.00"), "a filled amount must not change");
    let open = "select count(*) from ledger.postings where household_amount is null";
    assert_eq!(ledger.query_i64(open).await, 0);
}

#[tokio::test]
async fn unpriced_amounts_are_later_valued_as_posting_would_have() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    let dollars = ana.account("Dollars", "USD", "").await;
    ledger
        .execute(
            "insert into ledger.exchange_rates values ('USD', 'USD', '2020-05-01', 1, 'ecb'),
             ('USD', 'JPY', '2020-05-01', 100, 'ecb')",
        )
        .await;
    // 1,000 yen are ten dollars; their value in euros is unknown.
    let part = |category: &pb::Category, amount: &str| pb::Split {
        category_id: category.id.clone(),
        amount: amount.into(),
        ..Default::default()
    };
    let request = pb::CreateTransactionRequest {
        currency_code: Some("JPY".into()),
        transaction_date: Some("2020-05-05".into()),
        splits: vec![part(&food, "333"), part(&fun, "333"), part(&food, "334")],
        ..entry(&dollars, "expense", "1000")
    };
    let made = ana.post(request).await.expect("posted");
    assert_eq!((made.account_amount.as_str(), made.household_amount.clone()), ("10.00", None));
    let unpriced = "select count(*) from ledger.daily_totals where unpriced_change <> 0";
    assert!(ledger.query_i64(unpriced).await > 0);
    ledger.verify().await;
    ledger.execute("insert into ledger.exchange_rates values ('USD', 'EUR', '2020-05-01', 0.8, 'ecb')").await;
    let random = kit_core::random::Random::System;
    let filled = ledger_svc::fill_household_amounts(&ledger.pool, &ledger.clock, &random).await;
    assert_eq!(filled.expect("filled"), 6);
    assert_eq!(ana.find(&made.id).await.expect("there").household_amount.as_deref(), Some("8.00"));
    let shares = "select sum(household_amount)::int8 from ledger.postings
                  join ledger.nominal_accounts on nominal_accounts.id = account_id and purpose = 'category'";
    assert_eq!(ledger.query_i64(shares).await, 800);
    assert_eq!(ledger.query_i64(unpriced).await, 0);
    ledger.verify().await;
}
