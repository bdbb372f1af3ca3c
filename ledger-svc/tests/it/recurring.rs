//! Tests recurring transactions: each occurrence is posted exactly once.

use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;
use tonic::Status;

use crate::support::{Ledger, User, entry, error_reason, field_violations, mask, transfer};

// The clock starts at 2026-09-21T14:13:20Z, a Monday.

fn every(frequency: &str, start: &str) -> pb::Schedule {
    pb::Schedule {
        frequency: Some(frequency.into()),
        start_date: Some(start.to_owned()).filter(|text| !text.is_empty()),
        ..Default::default()
    }
}

async fn create(
    user: &User,
    transaction: pb::CreateTransactionRequest,
    schedule: pb::Schedule,
) -> Result<pb::Recurring, Status> {
    let request = pb::CreateRecurringRequest { transaction: Some(transaction), schedule: Some(schedule) };
    let response = user.call(user.recurring().create_recurring(request)).await?;
    Ok(response.into_inner().recurring.expect("one"))
}

async fn find(user: &User, id: &str) -> pb::Recurring {
    let request = pb::GetRecurringRequest { recurring_id: id.into() };
    let response = user.call(user.recurring().get_recurring(request)).await.expect("there");
    response.into_inner().recurring.expect("one")
}

async fn change_status(user: &User, id: &str, action: &str) -> Result<pb::Recurring, Status> {
    let (recurring_id, expected_version, mut client) = (id.to_owned(), None, user.recurring());
    let recurring = match action {
        "pause" => {
            let request = pb::PauseRecurringRequest { recurring_id, expected_version };
            user.call(client.pause_recurring(request)).await?.into_inner().recurring
        }
        "resume" => {
            let request = pb::ResumeRecurringRequest { recurring_id, expected_version };
            user.call(client.resume_recurring(request)).await?.into_inner().recurring
        }
        _ => {
            let request = pb::SkipRecurringRequest { recurring_id, expected_version };
            user.call(client.skip_recurring(request)).await?.into_inner().recurring
        }
    };
    Ok(recurring.expect("one"))
}

/// Waits until a recurring transaction meets a condition.
async fn wait_until(user: &User, id: &str, condition: impl Fn(&pb::Recurring) -> bool) -> pb::Recurring {
    let reached = async {
        loop {
            let recurring = find(user, id).await;
            if condition(&recurring) {
                return recurring;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the condition is met in time")
}

/// Returns the dates of posted occurrences, the oldest first.
async fn posted_dates(user: &User) -> Vec<String> {
    let filter = pb::TransactionFilter { sort: "transaction_date".into(), ..Default::default() };
    let all = user.list_all(filter, 200).await;
    all.into_iter()
        .filter(|transaction| transaction.recurring_id.is_some())
        .map(|transaction| transaction.transaction_date)
        .collect()
}

#[tokio::test]
async fn two_days_of_downtime_are_caught_up_once_by_two_replicas() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    let daily =
        create(&ana, entry(&bank, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    assert_eq!(daily.next_occurrence.as_deref(), Some("2026-09-22"));
    assert_eq!((daily.preview.len(), daily.preview[9].as_str()), (10, "2026-10-01"));
    let mut others = Vec::new();
    for number in 0..20 {
        let other = entry(&bank, "income", &format!("{}.00", number + 1));
        others.push(create(&ana, other, every("daily", "2026-09-23")).await.expect("begun"));
    }
    // No replica posts for two days; then two replicas do.
    ledger.advance_clock(TimeDelta::hours(58));
    let second = ledger.replica().await;
    let ana_on_second = second.client_for(&ana);
    wait_until(&ana, &daily.id, |recurring| recurring.next_occurrence.as_deref() == Some("2026-09-25")).await;
    for other in &others {
        wait_until(&ana_on_second, &other.id, |recurring| {
            recurring.next_occurrence.as_deref() == Some("2026-09-25")
        })
        .await;
    }
    let days = posted_dates(&ana).await;
    let on = |day: &str| days.iter().filter(|date| *date == day).count();
    assert_eq!((on("2026-09-22"), on("2026-09-23"), on("2026-09-24"), days.len()), (1, 21, 21, 43));
    assert_eq!(ana.balance(&bank.id).await, "517.00");
    ledger.verify().await;
}

#[tokio::test]
async fn catching_up_does_not_starve_other_households() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, other) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let rent =
        create(&bob, entry(&other, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    for _ in 0..10 {
        create(&ana, entry(&bank, "expense", "1"), every("daily", "2025-09-22")).await.expect("begun");
    }
    ledger.advance_clock(TimeDelta::hours(24));
    wait_until(&bob, &rent.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-22")).await;
    let caught_up = "select count(*) from ledger.transactions where recurring_id is not null";
    // All would be ten for each day from 22 September 2025 to 22 September 2026, plus one.
    assert!(ledger.query_i64(caught_up).await < 10 * 366, "the rent must not wait for all of them");
}

#[tokio::test]
async fn a_crash_between_posting_and_advancing_posts_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let recurring =
        create(&ana, entry(&bank, "expense", "1"), every("monthly", "2026-09-21")).await.expect("begun");
    wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.is_some()).await;
    // Simulates a crash: the transaction is posted, the recurring transaction was not advanced,
    // and the idempotency keys have expired.
    ledger
        .execute(
            "delete from ledger.idempotency_keys;
             update ledger.recurring set next_occurrence = '2026-09-21', last_occurrence = null,
                 last_transaction_id = null;
             update ledger.jobs set run_at = '2026-09-21' where queue = 'recurring-transactions'",
        )
        .await;
    let again = wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.is_some()).await;
    assert_eq!(posted_dates(&ana).await, ["2026-09-21"]);
    assert_eq!(again.next_occurrence.as_deref(), Some("2026-10-21"));
    ledger.verify().await;
}

#[tokio::test]
async fn days_begin_in_the_households_time_zone_and_follow_its_changes() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("EUR", "Pacific/Kiritimati", "en");
    let bob = ledger.user_with("EUR", "Pacific/Pago_Pago", "en");
    let (bank, other) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    // In Kiritimati, 14 hours ahead, it is the 22nd already; in Pago Pago it is still the 21st.
    let early = create(&ana, entry(&bank, "income", "1"), every("daily", "")).await.expect("begun");
    let late = create(&bob, entry(&other, "income", "1"), every("daily", "2026-09-22")).await.expect("begun");
    wait_until(&ana, &early.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-22")).await;
    ledger.advance_clock(TimeDelta::hours(20));
    wait_until(&ana, &early.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-23")).await;
    assert_eq!(find(&bob, &late.id).await.last_occurrence, None, "it must still be the 21st in Pago Pago");
    ledger.change_timezone(&bob, "Europe/Berlin");
    wait_until(&bob, &late.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-22")).await;
}

#[tokio::test]
async fn a_failed_occurrence_is_reported_blocks_no_other_and_is_caught_up() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, shut) = (ana.account("Bank", "", "").await, ana.account("Shut", "", "").await);
    let bad = create(&ana, entry(&shut, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    let good = create(&ana, entry(&bank, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    let archive = async |active| {
        let request = pb::UpdateAccountRequest {
            account_id: shut.id.clone(),
            is_active: Some(active),
            ..Default::default()
        };
        ana.change_account(request, &["is_active"]).await.expect("changed")
    };
    archive(false).await;
    let failed = find(&ana, &bad.id).await;
    assert_eq!((failed.status.as_str(), failed.paused_reason.as_deref()), ("paused", Some("ACCOUNT_CLOSED")));
    ledger.advance_clock(TimeDelta::days(1));
    wait_until(&ana, &good.id, |recurring| recurring.last_occurrence.is_some()).await;
    let query = "select count(*) from ledger.events where entity = 'recurring' and kind = 'failed'";
    assert_eq!(ledger.query_i64(query).await, 1);
    ledger.advance_clock(TimeDelta::days(1));
    archive(true).await;
    let resumed = change_status(&ana, &bad.id, "resume").await.expect("resumed");
    assert_eq!((resumed.status.as_str(), resumed.paused_reason), ("active", None));
    wait_until(&ana, &bad.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-23")).await;
    wait_until(&ana, &good.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-23")).await;
    assert_eq!(posted_dates(&ana).await, ["2026-09-22", "2026-09-22", "2026-09-23", "2026-09-23"]);

    // Deleting an account pauses at once and records an event.
    let delete =
        pb::DeleteAccountRequest { account_id: shut.id.clone(), expected_version: None, with_balance: true };
    ana.call(ana.accounts().delete_account(delete)).await.expect("deleted");
    assert_eq!(find(&ana, &bad.id).await.paused_reason.as_deref(), Some("ACCOUNT_CLOSED"));
    assert_eq!(ledger.query_i64(query).await, 2);
    ledger.verify().await;
}

#[tokio::test]
async fn paused_occurrences_are_omitted_and_skipped_ones_count() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let schedule = pb::Schedule { count: Some(4), ..every("daily", "2026-09-22") };
    let recurring = create(&ana, entry(&bank, "expense", "1"), schedule).await.expect("begun");
    let skipped = change_status(&ana, &recurring.id, "skip").await.expect("skipped");
    assert_eq!(skipped.next_occurrence.as_deref(), Some("2026-09-23"));
    assert_eq!(change_status(&ana, &recurring.id, "pause").await.expect("paused").status, "paused");
    ledger.advance_clock(TimeDelta::hours(60));
    let resumed = change_status(&ana, &recurring.id, "resume").await.expect("resumed");
    assert_eq!(
        resumed.next_occurrence.as_deref(),
        Some("2026-09-24"),
        "the 23rd must be omitted, it was paused"
    );
    wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-24"))
        .await;
    ledger.advance_clock(TimeDelta::days(5));
    let over = wait_until(&ana, &recurring.id, |recurring| recurring.status == "completed").await;
    assert_eq!((over.next_occurrence, over.preview.len()), (None, 0));
    assert_eq!(posted_dates(&ana).await, ["2026-09-24", "2026-09-25"]);
    assert_eq!(error_reason(change_status(&ana, &recurring.id, "resume").await), "RECURRING_COMPLETED");
    ledger.verify().await;
}

#[tokio::test]
async fn a_change_applies_from_the_next_occurrence_on() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, cash) = (ana.account("Bank", "", "").await, ana.account("Cash", "", "").await);
    let recurring =
        create(&ana, transfer(&bank, &cash, "5"), every("daily", "2026-09-21")).await.expect("begun");
    let seen = wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.is_some()).await;
    let change = async |transaction, schedule, names: &[&str], expected_version| {
        let request = pb::UpdateRecurringRequest {
            recurring_id: recurring.id.clone(),
            expected_version,
            update_mask: Some(mask(names)),
            transaction: Some(transaction),
            schedule: Some(schedule),
        };
        let response = ana.call(ana.recurring().update_recurring(request)).await?;
        Ok::<_, Status>(response.into_inner().recurring.expect("one"))
    };
    let amount = pb::CreateTransactionRequest { amount: "7".into(), ..Default::default() };
    let changed = change(amount.clone(), pb::Schedule::default(), &["amount"], Some(seen.version)).await;
    let changed = changed.expect("changed");
    assert_eq!(changed.next_occurrence.as_deref(), Some("2026-09-22"));
    assert_eq!(
        error_reason(change(amount, pb::Schedule::default(), &["amount"], Some(1)).await),
        "VERSION_MISMATCH"
    );
    ledger.advance_clock(TimeDelta::days(1));
    wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.as_deref() == Some("2026-09-22"))
        .await;
    assert_eq!(ana.balance(&cash.id).await, "12.00");
    let fridays = pb::Schedule { rrule: Some("FREQ=WEEKLY;BYDAY=FR".into()), ..Default::default() };
    let weekly =
        change(pb::CreateTransactionRequest::default(), fridays, &["rrule"], None).await.expect("changed");
    assert_eq!(weekly.next_occurrence.as_deref(), Some("2026-09-25"));
    let schedule = weekly.schedule.expect("a schedule");
    assert_eq!((schedule.frequency, schedule.interval), (None, None));
    let bad = pb::CreateTransactionRequest { amount: "x".into(), ..Default::default() };
    let nonsense = pb::Schedule { rrule: Some("FREQ=NEVER".into()), ..Default::default() };
    let rejected = field_violations(change(bad, nonsense, &["amount", "rrule"], None).await);
    let names: Vec<_> = rejected.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(names, ["amount", "rrule"]);
    let bob = ledger.user("EUR");
    let request = pb::GetRecurringRequest { recurring_id: recurring.id.clone() };
    assert_eq!(error_reason(bob.call(bob.recurring().get_recurring(request)).await), "NOT_FOUND");
    let delete = pb::DeleteRecurringRequest { recurring_id: recurring.id.clone(), expected_version: None };
    assert_eq!(error_reason(bob.call(bob.recurring().delete_recurring(delete.clone())).await), "NOT_FOUND");
    ana.call(ana.recurring().delete_recurring(delete.clone())).await.expect("deleted");
    assert_eq!(error_reason(ana.call(ana.recurring().delete_recurring(delete)).await), "NOT_FOUND");
    ledger.verify().await;
}

async fn reschedule(
    user: &User,
    id: &str,
    schedule: pb::Schedule,
    names: &[&str],
) -> Result<pb::Recurring, Status> {
    let request = pb::UpdateRecurringRequest {
        recurring_id: id.into(),
        expected_version: None,
        update_mask: Some(mask(names)),
        transaction: None,
        schedule: Some(schedule),
    };
    let response = user.call(user.recurring().update_recurring(request)).await?;
    Ok(response.into_inner().recurring.expect("one"))
}

#[tokio::test]
async fn an_occurrence_that_is_dated_later_is_not_lost_on_the_weekend() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    // 26 September 2026 is a Saturday.
    let with =
        |weekend: &str| pb::Schedule { weekend: Some(weekend.into()), ..every("monthly", "2026-09-26") };
    let after = create(&ana, entry(&bank, "expense", "1"), with("after")).await.expect("begun");
    let before = create(&ana, entry(&bank, "expense", "1"), with("before")).await.expect("begun");
    assert_eq!(after.next_occurrence.as_deref(), Some("2026-09-28"));
    change_status(&ana, &before.id, "pause").await.expect("paused");
    // Sunday.
    ledger.advance_clock(TimeDelta::days(6));
    let until_june = pb::Schedule { end_date: Some("2027-06-30".into()), ..Default::default() };
    let ended = reschedule(&ana, &after.id, until_june, &["end_date"]).await.expect("changed");
    assert_eq!(ended.next_occurrence.as_deref(), Some("2026-09-28"));
    change_status(&ana, &after.id, "pause").await.expect("paused");
    let resumed = change_status(&ana, &after.id, "resume").await.expect("resumed");
    assert_eq!(resumed.next_occurrence.as_deref(), Some("2026-09-28"));
    let resumed = change_status(&ana, &before.id, "resume").await.expect("resumed");
    assert_eq!(
        resumed.next_occurrence.as_deref(),
        Some("2026-10-26"),
        "Friday must be omitted, it was paused"
    );
    // A skipped occurrence stays skipped when only the end changes.
    change_status(&ana, &after.id, "skip").await.expect("skipped");
    let counted = pb::Schedule { count: Some(5), ..Default::default() };
    let counted = reschedule(&ana, &after.id, counted, &["count"]).await.expect("changed");
    assert_eq!(counted.next_occurrence.as_deref(), Some("2026-10-26"));
    let long_ago = pb::Schedule { start_date: Some("1900-01-01".into()), ..Default::default() };
    let rejected = field_violations(reschedule(&ana, &after.id, long_ago, &["start_date"]).await);
    assert_eq!(rejected, [("start_date".to_owned(), "DATE_TOO_EARLY".to_owned())]);
}

#[tokio::test]
async fn a_first_occurrence_and_its_rule_are_created_in_one_commit() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let first = |recurring| pb::CreateTransactionRequest {
        transaction_date: Some("2026-08-31".into()),
        recurring: Some(Box::new(recurring)),
        ..entry(&bank, "expense", "900")
    };
    let (made, _) = ana.post_with_key(first(every("monthly", "")), "rent").await.expect("posted");
    let (again, replayed) = ana.post_with_key(first(every("monthly", "")), "rent").await.expect("replayed");
    assert_eq!((again, replayed), (made.clone(), true));
    let archive = pb::UpdateAccountRequest {
        account_id: bank.id.clone(),
        is_active: Some(false),
        ..Default::default()
    };
    ana.change_account(archive, &["is_active"]).await.expect("archived");
    let (again, replayed) = ana.post_with_key(first(every("monthly", "")), "rent").await.expect("replayed");
    assert_eq!(
        (again, replayed),
        (made.clone(), true),
        "the stored response must not depend on later changes"
    );
    let open =
        pb::UpdateAccountRequest { account_id: bank.id.clone(), is_active: Some(true), ..Default::default() };
    ana.change_account(open, &["is_active"]).await.expect("reopened");
    let id = made.recurring_id.clone().expect("a recurring transaction");
    let recurring = find(&ana, &id).await;
    assert_eq!(recurring.next_occurrence.as_deref(), Some("2026-09-30"));
    assert_eq!(
        (recurring.last_occurrence.as_deref(), recurring.last_transaction_id),
        (Some("2026-08-31"), Some(made.id))
    );
    assert_eq!(ledger.query_i64("select count(*) from ledger.recurring").await, 1);
    let rejected = field_violations(ana.post(first(every("sometimes", "2026-09-01"))).await);
    assert_eq!(rejected, [("recurring.frequency".to_owned(), "RECURRING_FREQUENCY_INVALID".to_owned())]);
    let rejected = field_violations(ana.post(first(every("monthly", "2026-09-01"))).await);
    assert_eq!(rejected, [("transaction_date".to_owned(), "CONFLICTING".to_owned())]);
    let bad = pb::CreateTransactionRequest { amount: "0".into(), ..first(every("monthly", "")) };
    assert_eq!(
        field_violations(ana.post(bad).await),
        [("amount".to_owned(), "AMOUNT_NOT_POSITIVE".to_owned())]
    );
    assert_eq!(
        ledger.query_i64("select count(*) from ledger.recurring").await,
        1,
        "a rejected request must store nothing"
    );
    ledger.verify().await;
}

#[tokio::test]
async fn a_template_that_could_not_be_posted_is_rejected() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, bobs_bank) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let rejected =
        field_violations(create(&ana, entry(&bobs_bank, "expense", "x"), every("daily", "2025-01-01")).await);
    let expected =
        [("account_id", "ACCOUNT_NOT_FOUND"), ("amount", "AMOUNT_INVALID"), ("start_date", "DATE_TOO_EARLY")];
    assert_eq!(rejected, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    let dated = pb::CreateTransactionRequest {
        transaction_date: Some("2026-09-21".into()),
        ..entry(&bank, "income", "1")
    };
    let rejected = field_violations(create(&ana, dated, every("daily", "")).await);
    assert_eq!(rejected, [("transaction_date".to_owned(), "CONFLICTING".to_owned())]);
    let duplicates = (0..4).map(|_| create(&ana, entry(&bank, "income", "1"), every("weekly", "2026-09-22")));
    assert!(join_all(duplicates).await.iter().all(Result::is_ok));
    let request = pb::ListRecurringRequest { page_size: Some(3), page_token: String::new() };
    let page = ana.call(ana.recurring().list_recurring(request)).await.expect("a page").into_inner();
    let request = pb::ListRecurringRequest { page_size: Some(3), page_token: page.next_page_token };
    let last = ana.call(ana.recurring().list_recurring(request)).await.expect("a page").into_inner();
    assert_eq!((page.recurring.len(), last.recurring.len(), last.next_page_token.as_str()), (3, 1, ""));
}

/// Creates a recurring transaction with `count` occurrences from `start` on.
async fn create_with_count(
    user: &User,
    bank: &pb::Account,
    frequency: &str,
    start: &str,
    count: i64,
) -> pb::Recurring {
    let schedule = pb::Schedule { count: Some(count), ..every(frequency, start) };
    create(user, entry(bank, "expense", "1"), schedule).await.expect("begun")
}

#[tokio::test]
async fn an_edit_keeps_the_remaining_count() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let posted_until = async |recurring: &pb::Recurring, last: &str| {
        wait_until(&ana, &recurring.id, |recurring| recurring.last_occurrence.as_deref() == Some(last)).await
    };
    // Five installments, of which three are posted: July, August, September.
    let moved = create_with_count(&ana, &bank, "monthly", "2026-07-05", 5).await;
    posted_until(&moved, "2026-09-05").await;
    let later_day = pb::Schedule { start_date: Some("2026-07-10".into()), ..Default::default() };
    let moved = reschedule(&ana, &moved.id, later_day, &["start_date"]).await.expect("changed");
    assert_eq!(moved.preview, ["2026-10-10", "2026-11-10"]);
    assert_eq!(
        moved.schedule.expect("a schedule").count,
        Some(5),
        "the count must include posted occurrences"
    );

    let weekly = create_with_count(&ana, &bank, "monthly", "2026-07-05", 5).await;
    posted_until(&weekly, "2026-09-05").await;
    let every_week = pb::Schedule { frequency: Some("weekly".into()), ..Default::default() };
    let weekly = reschedule(&ana, &weekly.id, every_week, &["frequency"]).await.expect("changed");
    assert_eq!((weekly.status.as_str(), weekly.preview.len()), ("active", 2));
    assert_eq!(weekly.preview, ["2026-09-27", "2026-10-04"]);

    // Eight weeks, of which five are posted: 22 and 29 August, 5, 12 and 19 September.
    let monthly = create_with_count(&ana, &bank, "weekly", "2026-08-22", 8).await;
    posted_until(&monthly, "2026-09-19").await;
    let every_month = pb::Schedule { frequency: Some("monthly".into()), ..Default::default() };
    let monthly = reschedule(&ana, &monthly.id, every_month, &["frequency"]).await.expect("changed");
    assert_eq!(monthly.preview, ["2026-09-22", "2026-10-22", "2026-11-22"]);

    // A second change, by a rule with its own COUNT.
    let rule = pb::Schedule { rrule: Some("FREQ=DAILY;COUNT=8".into()), ..Default::default() };
    let cleared = &["rrule", "count"];
    let daily = reschedule(&ana, &monthly.id, rule, cleared).await.expect("changed");
    wait_until(&ana, &daily.id, |recurring| recurring.next_occurrence.as_deref() == Some("2026-09-22")).await;
    assert_eq!(find(&ana, &daily.id).await.preview, ["2026-09-22", "2026-09-23"]);
    let fewer = pb::Schedule { rrule: Some("FREQ=WEEKLY;COUNT=6".into()), ..Default::default() };
    let over = reschedule(&ana, &daily.id, fewer, &["rrule"]).await.expect("changed");
    assert_eq!((over.status.as_str(), over.preview.len()), ("completed", 0));
    // A completed one continues with the rest of a larger count.
    let more = pb::Schedule { rrule: Some("FREQ=WEEKLY;COUNT=8".into()), ..Default::default() };
    let again = reschedule(&ana, &daily.id, more, &["rrule"]).await.expect("changed");
    assert_eq!((again.status.as_str(), again.preview.len()), ("active", 2));
    ledger.verify().await;
}
