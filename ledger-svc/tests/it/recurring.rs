//! What recurs is posted exactly once, whoever is there and whoever was not.

use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;
use tonic::Status;

use crate::support::{Ledger, Person, entry, fields, mask, transfer, why};

// The clock stands at 2026-09-21T14:13:20Z, a Monday.

fn every(frequency: &str, start: &str) -> pb::Schedule {
    pb::Schedule {
        frequency: Some(frequency.into()),
        start_date: Some(start.to_owned()).filter(|it| !it.is_empty()),
        ..Default::default()
    }
}

async fn begin(
    person: &Person,
    transaction: pb::CreateTransactionRequest,
    schedule: pb::Schedule,
) -> Result<pb::Recurring, Status> {
    let request = pb::CreateRecurringRequest { transaction: Some(transaction), schedule: Some(schedule) };
    let answer = person.call(person.recurring().create_recurring(request)).await?;
    Ok(answer.into_inner().recurring.expect("one"))
}

async fn find(person: &Person, id: &str) -> pb::Recurring {
    let request = pb::GetRecurringRequest { recurring_id: id.into() };
    let answer = person.call(person.recurring().get_recurring(request)).await.expect("there");
    answer.into_inner().recurring.expect("one")
}

async fn steer(person: &Person, id: &str, steering: &str) -> Result<pb::Recurring, Status> {
    let request =
        pb::SteerRecurringRequest { recurring_id: id.into(), if_version: None, steering: steering.into() };
    let answer = person.call(person.recurring().steer_recurring(request)).await?;
    Ok(answer.into_inner().recurring.expect("one"))
}

/// Waits until it looks as it should.
async fn until(person: &Person, id: &str, there: impl Fn(&pb::Recurring) -> bool) -> pb::Recurring {
    let looked = async {
        loop {
            let it = find(person, id).await;
            if there(&it) {
                return it;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looked).await.expect("it never looked so")
}

/// The days of what recurring transactions posted, the oldest first.
async fn posted(person: &Person) -> Vec<String> {
    let filter = pb::TransactionFilter { sort: "transaction_date".into(), ..Default::default() };
    let all = person.walk(filter, 200).await;
    all.into_iter().filter(|it| it.recurring_id.is_some()).map(|it| it.transaction_date).collect()
}

#[tokio::test]
async fn two_days_of_downtime_are_made_up_for_once_by_two_replicas() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "100").await;
    let daily = begin(&ana, entry(&bank, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    assert_eq!(daily.next_occurrence.as_deref(), Some("2026-09-22"));
    assert_eq!((daily.preview.len(), daily.preview[9].as_str()), (10, "2026-10-01"));
    let mut others = Vec::new();
    for number in 0..20 {
        let other = entry(&bank, "income", &format!("{}.00", number + 1));
        others.push(begin(&ana, other, every("daily", "2026-09-23")).await.expect("begun"));
    }
    // Nobody is there for two days; then two are.
    ledger.pass(TimeDelta::hours(58));
    let second = ledger.replica().await;
    let there = second.greet(&ana);
    until(&ana, &daily.id, |it| it.next_occurrence.as_deref() == Some("2026-09-25")).await;
    for other in &others {
        until(&there, &other.id, |it| it.next_occurrence.as_deref() == Some("2026-09-25")).await;
    }
    let days = posted(&ana).await;
    let on = |day: &str| days.iter().filter(|it| *it == day).count();
    assert_eq!((on("2026-09-22"), on("2026-09-23"), on("2026-09-24"), days.len()), (1, 21, 21, 43));
    assert_eq!(ana.balance(&bank.id).await, "517.00");
    ledger.verify().await;
}

#[tokio::test]
async fn what_is_made_up_for_lets_others_take_their_turn() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.person("EUR"), ledger.person("EUR"));
    let (bank, other) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let rent = begin(&bob, entry(&other, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    for _ in 0..10 {
        begin(&ana, entry(&bank, "expense", "1"), every("daily", "2025-09-22")).await.expect("begun");
    }
    ledger.pass(TimeDelta::hours(24));
    until(&bob, &rent.id, |it| it.last_occurrence.as_deref() == Some("2026-09-22")).await;
    let made_up = "select count(*) from ledger.transactions where recurring_id is not null";
    // Ten for each day from 22 September 2025 to 22 September 2026, and one.
    assert!(ledger.number(made_up).await < 10 * 366, "the rent did not wait for all of them");
}

#[tokio::test]
async fn who_dies_between_posting_and_going_on_is_found_to_have_posted() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "").await;
    let it = begin(&ana, entry(&bank, "expense", "1"), every("monthly", "2026-09-21")).await.expect("begun");
    until(&ana, &it.id, |it| it.last_occurrence.is_some()).await;
    // As if it had died: the posting stands, the next day was never noted, its keys are long gone.
    ledger
        .execute(
            "delete from ledger.idempotency_keys;
             update ledger.recurring set next_occurrence = '2026-09-21', due_at = '2026-09-21', last_occurrence = null,
                 last_transaction_id = null, leased_until = null",
        )
        .await;
    let again = until(&ana, &it.id, |it| it.last_occurrence.is_some()).await;
    assert_eq!(posted(&ana).await, ["2026-09-21"]);
    assert_eq!(again.next_occurrence.as_deref(), Some("2026-10-21"));
    ledger.verify().await;
}

#[tokio::test]
async fn days_begin_where_the_household_is_and_move_with_it() {
    let ledger = Ledger::start().await;
    let ana = ledger.person_of("EUR", "Pacific/Kiritimati", "en");
    let bob = ledger.person_of("EUR", "Pacific/Pago_Pago", "en");
    let (bank, other) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    // There it is the 22nd already, 14 hours ahead; here it is not for long.
    let early = begin(&ana, entry(&bank, "income", "1"), every("daily", "")).await.expect("begun");
    let late = begin(&bob, entry(&other, "income", "1"), every("daily", "2026-09-22")).await.expect("begun");
    until(&ana, &early.id, |it| it.last_occurrence.as_deref() == Some("2026-09-22")).await;
    ledger.pass(TimeDelta::hours(20));
    until(&ana, &early.id, |it| it.last_occurrence.as_deref() == Some("2026-09-23")).await;
    assert_eq!(find(&bob, &late.id).await.last_occurrence, None, "it is still the 21st there");
    ledger.move_to(&bob, "Europe/Berlin");
    until(&bob, &late.id, |it| it.last_occurrence.as_deref() == Some("2026-09-22")).await;
}

#[tokio::test]
async fn one_that_fails_says_so_keeps_no_other_waiting_and_is_made_up_for() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let (bank, shut) = (ana.account("Bank", "", "").await, ana.account("Shut", "", "").await);
    let bad = begin(&ana, entry(&shut, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
    let good = begin(&ana, entry(&bank, "expense", "1"), every("daily", "2026-09-22")).await.expect("begun");
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
    ledger.pass(TimeDelta::days(1));
    until(&ana, &good.id, |it| it.last_occurrence.is_some()).await;
    let told = "select count(*) from ledger.events where entity = 'recurring' and kind = 'failed'";
    assert_eq!(ledger.number(told).await, 1);
    ledger.pass(TimeDelta::days(1));
    archive(true).await;
    let resumed = steer(&ana, &bad.id, "resume").await.expect("resumed");
    assert_eq!((resumed.status.as_str(), resumed.paused_reason), ("active", None));
    until(&ana, &bad.id, |it| it.last_occurrence.as_deref() == Some("2026-09-23")).await;
    until(&ana, &good.id, |it| it.last_occurrence.as_deref() == Some("2026-09-23")).await;
    assert_eq!(posted(&ana).await, ["2026-09-22", "2026-09-22", "2026-09-23", "2026-09-23"]);

    // Deleting an account pauses at once and says so.
    let delete =
        pb::DeleteAccountRequest { account_id: shut.id.clone(), if_version: None, with_balance: true };
    ana.call(ana.accounts().delete_account(delete)).await.expect("deleted");
    assert_eq!(find(&ana, &bad.id).await.paused_reason.as_deref(), Some("ACCOUNT_CLOSED"));
    assert_eq!(ledger.number(told).await, 2);
    ledger.verify().await;
}

#[tokio::test]
async fn what_a_user_pauses_is_left_out_and_what_he_skips_counts() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "").await;
    let schedule = pb::Schedule { count: Some(4), ..every("daily", "2026-09-22") };
    let it = begin(&ana, entry(&bank, "expense", "1"), schedule).await.expect("begun");
    let skipped = steer(&ana, &it.id, "skip").await.expect("skipped");
    assert_eq!(skipped.next_occurrence.as_deref(), Some("2026-09-23"));
    assert_eq!(steer(&ana, &it.id, "pause").await.expect("paused").status, "paused");
    ledger.pass(TimeDelta::hours(60));
    let resumed = steer(&ana, &it.id, "resume").await.expect("resumed");
    assert_eq!(resumed.next_occurrence.as_deref(), Some("2026-09-24"), "the 23rd was in the pause");
    until(&ana, &it.id, |it| it.last_occurrence.as_deref() == Some("2026-09-24")).await;
    ledger.pass(TimeDelta::days(5));
    let over = until(&ana, &it.id, |it| it.status == "completed").await;
    assert_eq!((over.next_occurrence, over.preview.len()), (None, 0));
    assert_eq!(posted(&ana).await, ["2026-09-24", "2026-09-25"]);
    assert_eq!(why(steer(&ana, &it.id, "resume").await), "RECURRING_COMPLETED");
    assert_eq!(steer(&ana, &it.id, "stop").await.expect_err("refused").code(), tonic::Code::InvalidArgument);
    ledger.verify().await;
}

#[tokio::test]
async fn a_change_holds_from_the_next_one_on() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let (bank, cash) = (ana.account("Bank", "", "").await, ana.account("Cash", "", "").await);
    let it = begin(&ana, transfer(&bank, &cash, "5"), every("daily", "2026-09-21")).await.expect("begun");
    let seen = until(&ana, &it.id, |it| it.last_occurrence.is_some()).await;
    let change = async |transaction, schedule, names: &[&str], if_version| {
        let request = pb::UpdateRecurringRequest {
            recurring_id: it.id.clone(),
            if_version,
            update_mask: Some(mask(names)),
            transaction: Some(transaction),
            schedule: Some(schedule),
        };
        let answer = ana.call(ana.recurring().update_recurring(request)).await?;
        Ok::<_, Status>(answer.into_inner().recurring.expect("one"))
    };
    let amount = pb::CreateTransactionRequest { amount: "7".into(), ..Default::default() };
    let changed = change(amount.clone(), pb::Schedule::default(), &["amount"], Some(seen.version)).await;
    let changed = changed.expect("changed");
    assert_eq!(changed.next_occurrence.as_deref(), Some("2026-09-22"));
    assert_eq!(why(change(amount, pb::Schedule::default(), &["amount"], Some(1)).await), "VERSION_MISMATCH");
    ledger.pass(TimeDelta::days(1));
    until(&ana, &it.id, |it| it.last_occurrence.as_deref() == Some("2026-09-22")).await;
    assert_eq!(ana.balance(&cash.id).await, "12.00");
    let fridays = pb::Schedule { rrule: Some("FREQ=WEEKLY;BYDAY=FR".into()), ..Default::default() };
    let weekly =
        change(pb::CreateTransactionRequest::default(), fridays, &["rrule"], None).await.expect("changed");
    assert_eq!(weekly.next_occurrence.as_deref(), Some("2026-09-25"));
    let schedule = weekly.schedule.expect("a schedule");
    assert_eq!((schedule.frequency, schedule.interval), (None, None));
    let bad = pb::CreateTransactionRequest { amount: "x".into(), ..Default::default() };
    let nonsense = pb::Schedule { rrule: Some("FREQ=NEVER".into()), ..Default::default() };
    let refused = fields(change(bad, nonsense, &["amount", "rrule"], None).await);
    let names: Vec<_> = refused.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(names, ["amount", "rrule"]);
    let bob = ledger.person("EUR");
    let request = pb::GetRecurringRequest { recurring_id: it.id.clone() };
    assert_eq!(why(bob.call(bob.recurring().get_recurring(request)).await), "NOT_FOUND");
    let delete = pb::DeleteRecurringRequest { recurring_id: it.id.clone(), if_version: None };
    assert_eq!(why(bob.call(bob.recurring().delete_recurring(delete.clone())).await), "NOT_FOUND");
    ana.call(ana.recurring().delete_recurring(delete.clone())).await.expect("deleted");
    assert_eq!(why(ana.call(ana.recurring().delete_recurring(delete)).await), "NOT_FOUND");
    ledger.verify().await;
}

async fn reschedule(
    person: &Person,
    id: &str,
    schedule: pb::Schedule,
    names: &[&str],
) -> Result<pb::Recurring, Status> {
    let request = pb::UpdateRecurringRequest {
        recurring_id: id.into(),
        if_version: None,
        update_mask: Some(mask(names)),
        transaction: None,
        schedule: Some(schedule),
    };
    let answer = person.call(person.recurring().update_recurring(request)).await?;
    Ok(answer.into_inner().recurring.expect("one"))
}

#[tokio::test]
async fn an_occurrence_that_is_dated_later_is_not_lost_on_the_weekend() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "").await;
    // 26 September 2026 is a Saturday.
    let with =
        |weekend: &str| pb::Schedule { weekend: Some(weekend.into()), ..every("monthly", "2026-09-26") };
    let after = begin(&ana, entry(&bank, "expense", "1"), with("after")).await.expect("begun");
    let before = begin(&ana, entry(&bank, "expense", "1"), with("before")).await.expect("begun");
    assert_eq!(after.next_occurrence.as_deref(), Some("2026-09-28"));
    steer(&ana, &before.id, "pause").await.expect("paused");
    // Sunday.
    ledger.pass(TimeDelta::days(6));
    let until_june = pb::Schedule { end_date: Some("2027-06-30".into()), ..Default::default() };
    let ended = reschedule(&ana, &after.id, until_june, &["end_date"]).await.expect("changed");
    assert_eq!(ended.next_occurrence.as_deref(), Some("2026-09-28"));
    steer(&ana, &after.id, "pause").await.expect("paused");
    let resumed = steer(&ana, &after.id, "resume").await.expect("resumed");
    assert_eq!(resumed.next_occurrence.as_deref(), Some("2026-09-28"));
    let resumed = steer(&ana, &before.id, "resume").await.expect("resumed");
    assert_eq!(resumed.next_occurrence.as_deref(), Some("2026-10-26"), "Friday was in the pause");
    // What was skipped stays so when only the end changes.
    steer(&ana, &after.id, "skip").await.expect("skipped");
    let counted = pb::Schedule { count: Some(5), ..Default::default() };
    let counted = reschedule(&ana, &after.id, counted, &["count"]).await.expect("changed");
    assert_eq!(counted.next_occurrence.as_deref(), Some("2026-10-26"));
    let long_ago = pb::Schedule { start_date: Some("1900-01-01".into()), ..Default::default() };
    let refused = fields(reschedule(&ana, &after.id, long_ago, &["start_date"]).await);
    assert_eq!(refused, [("start_date".to_owned(), "DATE_TOO_EARLY".to_owned())]);
}

#[tokio::test]
async fn a_transaction_may_be_the_first_of_many_in_one_commit() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "").await;
    let first = |recurring| pb::CreateTransactionRequest {
        transaction_date: Some("2026-08-31".into()),
        recurring: Some(Box::new(recurring)),
        ..entry(&bank, "expense", "900")
    };
    let (made, _) = ana.post_once(first(every("monthly", "")), "rent").await.expect("posted");
    let (again, replayed) = ana.post_once(first(every("monthly", "")), "rent").await.expect("replayed");
    assert_eq!((again, replayed), (made.clone(), true));
    let archive = pb::UpdateAccountRequest {
        account_id: bank.id.clone(),
        is_active: Some(false),
        ..Default::default()
    };
    ana.change_account(archive, &["is_active"]).await.expect("archived");
    let (again, replayed) = ana.post_once(first(every("monthly", "")), "rent").await.expect("replayed");
    assert_eq!((again, replayed), (made.clone(), true), "whatever has changed since");
    let open =
        pb::UpdateAccountRequest { account_id: bank.id.clone(), is_active: Some(true), ..Default::default() };
    ana.change_account(open, &["is_active"]).await.expect("open again");
    let id = made.recurring_id.clone().expect("its rule");
    let it = find(&ana, &id).await;
    assert_eq!(it.next_occurrence.as_deref(), Some("2026-09-30"));
    assert_eq!((it.last_occurrence.as_deref(), it.last_transaction_id), (Some("2026-08-31"), Some(made.id)));
    assert_eq!(ledger.number("select count(*) from ledger.recurring").await, 1);
    let refused = fields(ana.post(first(every("sometimes", "2026-09-01"))).await);
    assert_eq!(refused, [("recurring.frequency".to_owned(), "RECURRING_FREQUENCY_UNKNOWN".to_owned())]);
    let refused = fields(ana.post(first(every("monthly", "2026-09-01"))).await);
    assert_eq!(refused, [("transaction_date".to_owned(), "CONFLICTING".to_owned())]);
    let bad = pb::CreateTransactionRequest { amount: "0".into(), ..first(every("monthly", "")) };
    assert_eq!(fields(ana.post(bad).await), [("amount".to_owned(), "AMOUNT_NOT_POSITIVE".to_owned())]);
    assert_eq!(ledger.number("select count(*) from ledger.recurring").await, 1, "nothing half done");
    ledger.verify().await;
}

#[tokio::test]
async fn what_could_not_be_posted_does_not_begin() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.person("EUR"), ledger.person("EUR"));
    let (bank, theirs) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let refused = fields(begin(&ana, entry(&theirs, "expense", "x"), every("daily", "2025-01-01")).await);
    let expected =
        [("account_id", "ACCOUNT_UNKNOWN"), ("amount", "AMOUNT_INVALID"), ("start_date", "DATE_TOO_EARLY")];
    assert_eq!(refused, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    let dated = pb::CreateTransactionRequest {
        transaction_date: Some("2026-09-21".into()),
        ..entry(&bank, "income", "1")
    };
    let refused = fields(begin(&ana, dated, every("daily", "")).await);
    assert_eq!(refused, [("transaction_date".to_owned(), "CONFLICTING".to_owned())]);
    let twins = (0..4).map(|_| begin(&ana, entry(&bank, "income", "1"), every("weekly", "2026-09-22")));
    assert!(join_all(twins).await.iter().all(Result::is_ok));
    let request = pb::ListRecurringRequest { page_size: Some(3), page_token: String::new() };
    let page = ana.call(ana.recurring().list_recurring(request)).await.expect("a page").into_inner();
    let request = pb::ListRecurringRequest { page_size: Some(3), page_token: page.next_page_token };
    let last = ana.call(ana.recurring().list_recurring(request)).await.expect("a page").into_inner();
    assert_eq!((page.recurring.len(), last.recurring.len(), last.next_page_token.as_str()), (3, 1, ""));
}

/// Posts monthly or weekly occurrences since `start` and returns the recurring transaction.
async fn begun_with_count(
    person: &Person,
    bank: &pb::Account,
    frequency: &str,
    start: &str,
    count: i64,
) -> pb::Recurring {
    let schedule = pb::Schedule { count: Some(count), ..every(frequency, start) };
    begin(person, entry(bank, "expense", "1"), schedule).await.expect("begun")
}

#[tokio::test]
async fn an_edit_leaves_what_is_left_of_the_count() {
    let ledger = Ledger::start().await;
    let ana = ledger.person("EUR");
    let bank = ana.account("Bank", "", "").await;
    let posted_until = async |it: &pb::Recurring, last: &str| {
        until(&ana, &it.id, |it| it.last_occurrence.as_deref() == Some(last)).await
    };
    // Five instalments, of which three are posted: July, August, September.
    let moved = begun_with_count(&ana, &bank, "monthly", "2026-07-05", 5).await;
    posted_until(&moved, "2026-09-05").await;
    let later_day = pb::Schedule { start_date: Some("2026-07-10".into()), ..Default::default() };
    let moved = reschedule(&ana, &moved.id, later_day, &["start_date"]).await.expect("changed");
    assert_eq!(moved.preview, ["2026-10-10", "2026-11-10"]);
    assert_eq!(moved.schedule.expect("a schedule").count, Some(5), "the count is that of all");

    let weekly = begun_with_count(&ana, &bank, "monthly", "2026-07-05", 5).await;
    posted_until(&weekly, "2026-09-05").await;
    let every_week = pb::Schedule { frequency: Some("weekly".into()), ..Default::default() };
    let weekly = reschedule(&ana, &weekly.id, every_week, &["frequency"]).await.expect("changed");
    assert_eq!((weekly.status.as_str(), weekly.preview.len()), ("active", 2));
    assert_eq!(weekly.preview, ["2026-09-27", "2026-10-04"]);

    // Eight weeks, of which five are posted: 22 and 29 August, 5, 12 and 19 September.
    let monthly = begun_with_count(&ana, &bank, "weekly", "2026-08-22", 8).await;
    posted_until(&monthly, "2026-09-19").await;
    let every_month = pb::Schedule { frequency: Some("monthly".into()), ..Default::default() };
    let monthly = reschedule(&ana, &monthly.id, every_month, &["frequency"]).await.expect("changed");
    assert_eq!(monthly.preview, ["2026-09-22", "2026-10-22", "2026-11-22"]);

    // Twice changed, and by a rule with a COUNT of its own.
    let rule = pb::Schedule { rrule: Some("FREQ=DAILY;COUNT=8".into()), ..Default::default() };
    let cleared = &["rrule", "count"];
    let daily = reschedule(&ana, &monthly.id, rule, cleared).await.expect("changed");
    until(&ana, &daily.id, |it| it.next_occurrence.as_deref() == Some("2026-09-22")).await;
    assert_eq!(find(&ana, &daily.id).await.preview, ["2026-09-22", "2026-09-23"]);
    let fewer = pb::Schedule { rrule: Some("FREQ=WEEKLY;COUNT=6".into()), ..Default::default() };
    let over = reschedule(&ana, &daily.id, fewer, &["rrule"]).await.expect("changed");
    assert_eq!((over.status.as_str(), over.preview.len()), ("completed", 0));
    // One that is over goes on with what a larger count leaves.
    let more = pb::Schedule { rrule: Some("FREQ=WEEKLY;COUNT=8".into()), ..Default::default() };
    let again = reschedule(&ana, &daily.id, more, &["rrule"]).await.expect("changed");
    assert_eq!((again.status.as_str(), again.preview.len()), ("active", 2));
    ledger.verify().await;
}
