//! Tests transactions: amounts, edits, voids and every rejection.

use chrono::TimeDelta;
use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, entry, error_reason, field_violations, transfer};

#[tokio::test]
async fn income_expense_refund_and_transfer_move_the_stated_amounts() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, card) = (ana.account("Bank", "", "100").await, ana.account("Card", "USD", "").await);
    let (food, pay) = (ana.category("Food", "expense").await, ana.category("Pay", "income").await);
    let with = |request, category: &pb::Category| pb::CreateTransactionRequest {
        category_id: Some(category.id.clone()),
        ..request
    };
    ana.post(with(entry(&bank, "Income", "2000"), &pay)).await.expect("income");
    ana.post(with(entry(&bank, "expense", "30.10"), &food)).await.expect("expense");
    ana.post(with(entry(&bank, "income", "5.10"), &food)).await.expect("a refund");
    let wrong = field_violations(ana.post(with(entry(&bank, "expense", "1"), &pay)).await);
    assert_eq!(wrong, [("category_id".to_owned(), "CATEGORY_TYPE_MISMATCH".to_owned())]);
    let exchange =
        pb::CreateTransactionRequest { to_amount: Some("111.72".into()), ..transfer(&bank, &card, "100") };
    let exchanged = ana.post(exchange).await.expect("a transfer");
    assert_eq!(
        (exchanged.to_amount.as_deref(), exchanged.to_currency_code.as_deref()),
        (Some("111.72"), Some("USD"))
    );
    assert_eq!(ana.balance(&bank.id).await, "1975.00");
    assert_eq!(ana.balance(&card.id).await, "111.72");
    let spent = "select sum(change)::int8 from ledger.daily_totals join ledger.nominal_accounts
        on nominal_accounts.id = account_id where category_id is not null and purpose = 'category' and change > 0";
    assert_eq!(ledger.query_i64(spent).await, 2500, "the refund must lower the spending");
    ledger.verify().await;
}

#[tokio::test]
async fn a_foreign_amount_is_converted_and_both_amounts_are_stored() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    // The bundled rates are of 29 September 2026.
    let foreign = pb::CreateTransactionRequest {
        currency_code: Some("usd".into()),
        transaction_date: Some("2026-10-15".into()),
        ..entry(&bank, "expense", "10.00")
    };
    let made = ana.post(foreign.clone()).await.expect("converted");
    let rate = made.exchange_rate.clone().expect("a rate");
    assert_eq!((rate.date.as_str(), rate.source.as_str()), ("2026-09-29", "bundled"));
    assert_eq!((made.amount.as_str(), made.currency_code.as_str()), ("10.00", "USD"));
    assert_eq!((made.account_amount.as_str(), made.account_currency_code.as_str()), ("8.80", "EUR"));
    assert_eq!(ana.balance(&bank.id).await, "100.00", "a later transaction must not count yet");
    let early =
        pb::CreateTransactionRequest { transaction_date: Some("2026-01-01".into()), ..foreign.clone() };
    assert_eq!(
        field_violations(ana.post(early).await),
        [("currency_code".to_owned(), "RATE_NOT_FOUND".to_owned())]
    );
    let nothing = pb::CreateTransactionRequest {
        currency_code: Some("IRR".into()),
        transaction_date: Some("2026-10-15".into()),
        ..entry(&bank, "expense", "1")
    };
    assert_eq!(
        field_violations(ana.post(nothing).await),
        [("amount".to_owned(), "AMOUNT_TOO_SMALL".to_owned())]
    );
    ledger.verify().await;
}

#[tokio::test]
async fn the_date_is_the_households_unless_the_request_states_another() {
    let ledger = Ledger::start().await;
    // 14:13 UTC is past midnight in Auckland.
    let kiri = ledger.user_with("NZD", "Pacific/Auckland", "en");
    let bank = kiri.account("Bank", "", "").await;
    let today = kiri.post(entry(&bank, "income", "1")).await.expect("posted").transaction_date;
    assert_eq!(
        (ledger.clock.now().date_naive().to_string().as_str(), today.as_str()),
        ("2026-09-21", "2026-09-22")
    );
    let stated = pb::CreateTransactionRequest {
        transaction_date: Some("2026-03-01T23:30:00-08:00".into()),
        ..entry(&bank, "income", "1")
    };
    assert_eq!(
        kiri.post(stated).await.expect("posted").transaction_date,
        "2026-03-02",
        "the date must be that of the household's time zone"
    );
}

#[tokio::test]
async fn an_edit_reverses_and_posts_again_and_a_void_reverses() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, card) = (ana.account("Bank", "", "100").await, ana.account("Card", "", "10").await);
    let lunch = pb::CreateTransactionRequest {
        description: Some("Lunch".into()),
        tags: vec!["work".into(), "work".into(), " city ".into()],
        ..entry(&bank, "expense", "12.50")
    };
    let lunch = ana.post(lunch).await.expect("posted");
    assert_eq!(lunch.tags, ["work", "city"]);
    let moved = pb::CreateTransactionRequest {
        account_id: card.id.clone(),
        amount: "13".into(),
        transaction_date: Some("2026-09-01".into()),
        ..Default::default()
    };
    let edited =
        ana.edit(&lunch.id, moved, &["account_id", "amount", "transaction_date"]).await.expect("edited");
    assert_eq!((edited.amount.as_str(), edited.version, edited.created_at), ("13.00", 2, lunch.created_at));
    assert_eq!(edited.description.as_deref(), Some("Lunch"), "an absent field must not change");
    assert_eq!(
        (ana.balance(&bank.id).await.as_str(), ana.balance(&card.id).await.as_str()),
        ("100.00", "-3.00")
    );
    let text_changes = pb::CreateTransactionRequest { notes: Some("with Bob".into()), ..Default::default() };
    let reworded = ana
        .edit_with_version(&lunch.id, text_changes, &["notes", "description"], Some(2))
        .await
        .expect("edited");
    assert_eq!(
        (reworded.version, reworded.description, reworded.notes.as_deref()),
        (3, None, Some("with Bob"))
    );
    let postings = "select count(*) from ledger.postings join ledger.transactions
        on transactions.id = transaction_id where transaction_type = 'expense'";
    assert_eq!(ledger.query_i64(postings).await, 6, "a text edit must post nothing");
    let late = pb::CreateTransactionRequest { amount: "1".into(), ..Default::default() };
    assert_eq!(
        error_reason(ana.edit_with_version(&lunch.id, late.clone(), &["amount"], Some(2)).await),
        "VERSION_MISMATCH"
    );

    ledger.advance_clock(TimeDelta::minutes(1));
    ana.void(&lunch.id).await.expect("voided");
    assert_eq!(
        (ana.balance(&bank.id).await.as_str(), ana.balance(&card.id).await.as_str()),
        ("100.00", "10.00")
    );
    ana.void(&lunch.id).await.expect("voiding again has no effect");
    assert_eq!(error_reason(ana.edit(&lunch.id, late, &["amount"]).await), "TRANSACTION_VOIDED");
    assert_eq!(ana.find(&lunch.id).await.expect("still there").status, "voided");
    assert!(
        ana.list_all(pb::TransactionFilter::default(), 50)
            .await
            .iter()
            .all(|transaction| transaction.id != lunch.id)
    );
    let voided = pb::TransactionFilter { status: "voided".into(), ..Default::default() };
    assert_eq!(ana.list_all(voided, 50).await.len(), 1);

    let history =
        pb::ListTransactionRevisionsRequest { transaction_id: lunch.id.clone(), ..Default::default() };
    let history = ana.call(ana.transactions().list_transaction_revisions(history)).await.expect("history");
    let lines: Vec<_> = history
        .into_inner()
        .revisions
        .into_iter()
        .map(|revision| {
            assert_eq!(revision.actor, ana.user_id.to_string());
            let mut changes: Vec<_> = revision
                .changes
                .into_iter()
                .map(|change| (change.field, change.before, change.after))
                .collect();
            changes.sort();
            (revision.kind, changes)
        })
        .collect();
    let change =
        |field: &str, before: &str, after: &str| (field.to_owned(), before.to_owned(), after.to_owned());
    let quoted = |text: &str| format!("{text:?}");
    assert_eq!(
        lines,
        [
            ("created".to_owned(), vec![]),
            (
                "updated".to_owned(),
                vec![
                    change("account_id", &quoted(&bank.id), &quoted(&card.id)),
                    change("amount", "\"12.50\"", "\"13.00\""),
                    change("transaction_date", "\"2026-09-21\"", "\"2026-09-01\""),
                ]
            ),
            (
                "updated".to_owned(),
                vec![change("description", "\"Lunch\"", "null"), change("notes", "null", "\"with Bob\""),]
            ),
            ("voided".to_owned(), vec![change("status", "\"posted\"", "\"voided\"")]),
        ]
    );
    ledger.verify().await;
}

#[tokio::test]
async fn an_opening_and_an_adjustment_can_be_corrected_and_voided() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    let opening = ana.list_all(pb::TransactionFilter::default(), 50).await.remove(0);
    let less = pb::CreateTransactionRequest { amount: "-20".into(), ..Default::default() };
    ana.edit(&opening.id, less, &["amount"]).await.expect("signed");
    assert_eq!(ana.balance(&bank.id).await, "-20.00");
    let kind = pb::CreateTransactionRequest { r#type: "income".into(), ..Default::default() };
    let rejected = field_violations(ana.edit(&opening.id, kind, &["type"]).await);
    assert_eq!(rejected, [("type".to_owned(), "TRANSACTION_TYPE_INVALID".to_owned())]);
    assert_eq!(
        field_violations(ana.post(entry(&bank, "opening", "5")).await),
        [("type".to_owned(), "TRANSACTION_TYPE_INVALID".to_owned())]
    );
    ana.void(&opening.id).await.expect("voided");
    assert_eq!(ana.balance(&bank.id).await, "0.00");
    ledger.verify().await;
}

#[tokio::test]
async fn fields_absent_from_an_edit_are_not_validated_again() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "-10000000000000.00").await;
    ledger.advance_clock(TimeDelta::milliseconds(1));
    let wish = pb::UpdateAccountRequest {
        account_id: bank.id.clone(),
        balance: Some("10000000000000.00".into()),
        ..Default::default()
    };
    ana.change_account(wish, &["balance"]).await.expect("an adjustment may exceed the maximum amount");
    let adjustment = ana.list_all(pb::TransactionFilter::default(), 1).await.remove(0);
    assert_eq!(adjustment.amount, "20000000000000.00");
    let text_changes =
        pb::CreateTransactionRequest { description: Some("found it".into()), ..Default::default() };
    ana.edit(&adjustment.id, text_changes, &["description"]).await.expect("the amount stays as it is");
    let commas = pb::CreateTransactionRequest { tags: vec!["a,b".into()], ..entry(&bank, "income", "1") };
    let tagged = ana.post(commas).await.expect("posted");
    let split = pb::CreateTransactionRequest { tags: vec!["a".into(), "b".into()], ..Default::default() };
    ana.edit(&tagged.id, split, &["tags"]).await.expect("edited");
    let found = ana.find(&tagged.id).await.expect("there");
    assert_eq!((found.tags, found.version), (vec!["a".to_owned(), "b".to_owned()], 2));
}

#[tokio::test]
async fn an_amount_too_large_in_another_currency_is_reported() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let pounds = ana.account("Pounds", "LBP", "").await;
    let huge = pb::CreateTransactionRequest {
        currency_code: Some("USD".into()),
        transaction_date: Some("2026-10-01".into()),
        ..entry(&pounds, "income", "10000000000000.00")
    };
    assert_eq!(
        field_violations(ana.post(huge).await),
        [("amount".to_owned(), "AMOUNT_TOO_LARGE".to_owned())]
    );
}

#[tokio::test]
async fn an_edit_keeps_details_that_a_newer_version_stored() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "0").await;
    let coffee =
        pb::CreateTransactionRequest { description: Some("Coffee".into()), ..entry(&bank, "expense", "3") };
    let coffee = ana.post(coffee).await.expect("posted");
    ledger.execute(r#"update ledger.transactions set details = details || '{"mood": "good"}'"#).await;
    let notes = pb::CreateTransactionRequest { notes: Some("hot".into()), ..Default::default() };
    ana.edit(&coffee.id, notes, &["notes", "description"]).await.expect("edited");
    let kept =
        r#"select count(*) from ledger.transactions where details = '{"mood": "good", "notes": "hot"}'"#;
    assert_eq!(ledger.query_i64(kept).await, 1);
}

#[tokio::test]
async fn too_many_tags_are_rejected_and_delay_no_other_request() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let tags = (0..300_000).map(|number| number.to_string()).collect();
    let flood = pb::CreateTransactionRequest { tags, ..entry(&bank, "income", "1") };
    let (flooded, valid) = tokio::join!(ana.post(flood), ana.post(entry(&bank, "income", "1")));
    assert_eq!(field_violations(flooded), [("tags".to_owned(), "TOO_MANY_ITEMS".to_owned())]);
    valid.expect("posted");
    let empty =
        pb::CreateTransactionRequest { tags: vec![String::new(); 10_000], ..entry(&bank, "income", "1") };
    assert!(
        field_violations(ana.post(empty).await).len() <= 30,
        "the violations must fit the response headers"
    );
    let nul =
        pb::CreateAccountRequest { name: "a\0b".into(), account_type: "cash".into(), ..Default::default() };
    assert_eq!(field_violations(ana.open(nul).await), [("name".to_owned(), "TEXT_INVALID".to_owned())]);
}

#[tokio::test]
async fn every_invalid_field_is_reported_at_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let names = |rejected: Vec<(String, String)>| {
        rejected.into_iter().map(|(field, reason)| format!("{field} {reason}")).collect::<Vec<_>>()
    };
    let empty = names(field_violations(ana.post(pb::CreateTransactionRequest::default()).await));
    assert_eq!(empty, ["type REQUIRED", "account_id REQUIRED", "amount REQUIRED"]);
    let wrong = pb::CreateTransactionRequest {
        currency_code: Some("HRK".into()),
        category_id: Some("nothing".into()),
        to_account_id: Some(bank.id.clone()),
        to_amount: Some("1".into()),
        description: Some("x".repeat(501)),
        reference_number: Some("two\nlines".into()),
        notes: Some("x".repeat(4001)),
        tags: vec![String::new(), "x".repeat(51)],
        transaction_date: Some("yesterday".into()),
        ..entry(&bank, "expense", "-1")
    };
    assert_eq!(
        names(field_violations(ana.post(wrong).await)),
        [
            "to_account_id CONFLICTING",
            "category_id CATEGORY_NOT_FOUND",
            "currency_code CURRENCY_INVALID",
            "to_amount CONFLICTING",
            "description TEXT_INVALID",
            "reference_number TEXT_INVALID",
            "notes TEXT_INVALID",
            "tags[0] REQUIRED",
            "tags[1] TEXT_INVALID",
            "transaction_date DATE_INVALID",
        ]
    );
    let precise = names(field_violations(ana.post(entry(&bank, "expense", "1.005")).await));
    assert_eq!(precise, ["amount AMOUNT_TOO_PRECISE"]);
    let itself = names(field_violations(ana.post(transfer(&bank, &bank, "1")).await));
    assert_eq!(itself, ["to_account_id SAME_ACCOUNT"]);
    let yen = ana.account("Yen", "JPY", "").await;
    let without_to_amount = names(field_violations(ana.post(transfer(&bank, &yen, "1")).await));
    assert_eq!(without_to_amount, ["to_amount REQUIRED"]);
    let many = pb::CreateTransactionRequest {
        tags: (0..21).map(|number| number.to_string()).collect(),
        ..entry(&bank, "expense", "1")
    };
    assert_eq!(names(field_violations(ana.post(many).await)), ["tags TOO_MANY_ITEMS"]);
}

#[tokio::test]
async fn every_change_is_an_event_without_amounts_or_texts() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Secret name", "", "100").await;
    let category = ana.category("Secret category", "expense").await;
    let lunch = pb::CreateTransactionRequest {
        description: Some("secret lunch".into()),
        category_id: Some(category.id),
        ..entry(&bank, "expense", "470110.47")
    };
    let lunch = ana.post(lunch).await.expect("posted");
    let dearer = pb::CreateTransactionRequest { amount: "48.12".into(), ..Default::default() };
    ana.edit(&lunch.id, dearer, &["amount"]).await.expect("edited");
    ana.void(&lunch.id).await.expect("voided");
    let rename = pb::UpdateAccountRequest {
        account_id: bank.id.clone(),
        name: Some("Other".into()),
        ..Default::default()
    };
    ana.change_account(rename, &["name"]).await.expect("renamed");
    let rows: Vec<(String, String, i64, Vec<String>, String)> = sqlx::query_as(
        "select entity, kind, version, changed, events::text from ledger.events where entity <> 'household'
         order by transaction_id, position",
    )
    .fetch_all(&mut ledger.database.connect().await)
    .await
    .expect("events");
    let lines: Vec<_> =
        rows.iter().map(|row| format!("{} {} {} {}", row.0, row.1, row.2, row.3.join(","))).collect();
    assert_eq!(
        lines,
        [
            "account created 1 ",
            "transaction created 1 ",
            "category created 1 ",
            "transaction created 1 ",
            "transaction updated 2 amount",
            "transaction voided 3 status",
            "account updated 2 name",
        ]
    );
    for (.., text) in &rows {
        assert!(text.contains(&ana.user_id.to_string()), "the event must name its author: {text}");
        for secret in ["ecret", "47011047", "470110.47", "48.12"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn an_instant_is_dated_in_the_households_time_zone() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("USD", "America/New_York", "en");
    let bank = ana.account("Bank", "", "").await;
    for (sent, day) in [
        ("2026-11-01T02:30:00Z", "2026-10-31"),
        ("2026-11-01T02:30:00-05:00", "2026-11-01"),
        ("2026-11-01", "2026-11-01"),
    ] {
        let request = pb::CreateTransactionRequest {
            transaction_date: Some(sent.into()),
            ..entry(&bank, "expense", "1")
        };
        assert_eq!(ana.post(request).await.expect("posted").transaction_date, day, "{sent}");
    }
}
