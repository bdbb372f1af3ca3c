//! Notifications of ledger events: large transactions and recurring transactions.

use std::time::Duration;

use fintrac_proto::auth::v1 as auth;
use fintrac_proto::events::v1::Event;
use fintrac_proto::notify::v1 as pb;
use kit_testing::TestUser;
use kit_testing::smtp::SmtpServer;
use uuid::Uuid;

use crate::auth::Auth;
use crate::support::{Notify, clock, parse, start};

fn event(user: &TestUser, entity: &str, id: u128, kind: &str) -> Event {
    Event {
        household_id: user.household_id.to_string(),
        entity: entity.into(),
        entity_id: Uuid::from_u128(id).to_string(),
        kind: kind.into(),
        ..Event::default()
    }
}

async fn inbox(notify: &Notify, user: &TestUser) -> Vec<pb::Notification> {
    let request = pb::ListNotificationsRequest::default();
    user.call(notify.inbox().list_notifications(request)).await.expect("a page").into_inner().notifications
}

/// Waits until the inbox has at least `number` notifications.
async fn wait_for_inbox(notify: &Notify, user: &TestUser, number: usize) -> Vec<pb::Notification> {
    let waiting = async {
        loop {
            let found = inbox(notify, user).await;
            if found.len() >= number {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the notifications arrive")
}

/// Waits until `events` ledger events are in the audit log.
async fn wait_for_events(notify: &Notify, events: i64) {
    let waiting = async {
        let sql = "select count(*) from notify.changes where service = 'ledger'";
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(&notify.pool).await.expect("query") < events {}
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the events are processed");
}

#[tokio::test]
async fn a_transaction_above_the_limit_notifies_its_user_once() {
    let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new("en"), clock());
    let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
    let (ana, bob, eve) = (TestUser::new(&clock), TestUser::new(&clock), TestUser::new(&clock));
    let subscriber = |user: &TestUser, email| auth::Subscriber {
        user_id: user.user_id.to_string(),
        locale: "en".into(),
        email,
        inbox: true,
    };
    *auth.subscribers.lock().expect("no panic") =
        vec![subscriber(&ana, true), subscriber(&bob, false), subscriber(&eve, false)];
    let limit = |user: &TestUser, limit: &str| auth::LargeTransactionLimit {
        household_id: ana.household_id.to_string(),
        user_id: user.user_id.to_string(),
        limit: limit.into(),
    };
    *auth.limits.lock().expect("no panic") = vec![limit(&ana, "1000.00"), limit(&bob, "2000.00")];
    let set = |id: u128, amount: &str| {
        let id = Uuid::from_u128(id).to_string();
        notify.ledger.amounts.lock().expect("no panic").insert(id, amount.to_owned());
    };
    // None is above the limit: one equals it, one has no exchange rate, one no longer exists.
    set(1, "1000.00");
    set(2, "");
    for id in [1, 2, 3] {
        notify.ledger.append(event(&ana, "transaction", id, "created"));
    }
    notify.ledger.append(event(&eve, "transaction", 4, "created"));
    wait_for_events(&notify, 4).await;
    assert!(inbox(&notify, &ana).await.is_empty());
    // An edit and an exchange rate raise them above the limit; each notifies once.
    set(1, "1000.01");
    set(2, "1117.20");
    notify.ledger.append(event(&ana, "transaction", 1, "updated"));
    notify.ledger.append(event(&ana, "transaction", 2, "valued"));
    let notifications = wait_for_inbox(&notify, &ana, 2).await;
    assert!(
        notifications.iter().all(|row| row.kind == "large_transaction" && row.entity == "transaction"),
        "{notifications:?}"
    );
    assert_eq!(notifications[0].title, "Laptop <i>: 1,250.00 USD");
    assert_eq!(
        notifications[0].body,
        "1,250.00 USD on September 3, 2026 is above your limit of 1,000.00 EUR."
    );
    let raw = smtp.next_message().await;
    let email = parse(&raw);
    assert_eq!(email.header_raw("X-FinTrac-Kind").map(str::trim), Some("large_transaction"));
    assert!(!email.body_html(0).expect("html").contains("<i>:"), "the description is escaped");
    for kind in ["updated", "voided", "restored"] {
        notify.ledger.append(event(&ana, "transaction", 1, kind));
    }
    set(5, "2000.01");
    notify.ledger.append(event(&ana, "transaction", 5, "created"));
    assert_eq!(wait_for_inbox(&notify, &ana, 3).await.len(), 3, "one notification per transaction");
    assert_eq!(wait_for_inbox(&notify, &bob, 1).await.len(), 1, "Bob's own limit applies");
    assert!(inbox(&notify, &eve).await.is_empty(), "Eve has no limit");
}

#[tokio::test]
async fn recurring_transactions_notify_when_posted_and_when_failed() {
    let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new("en"), clock());
    let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
    let ana = TestUser::new(&clock);
    let user_id = ana.user_id.to_string();
    *auth.subscribers.lock().expect("no panic") =
        vec![auth::Subscriber { user_id, locale: "de".into(), email: true, inbox: true }];
    let paused = |reason: Option<&str>| {
        *notify.ledger.paused_reason.lock().expect("no panic") = reason.map(str::to_owned);
    };
    let occurrence = Uuid::from_u128(30).to_string();
    notify.ledger.amounts.lock().expect("no panic").insert(occurrence, "1.00".into());
    let posted = Event { actor: "recurring".into(), ..event(&ana, "transaction", 30, "created") };
    notify.ledger.append(posted);
    let raw = smtp.next_message().await;
    assert_eq!(parse(&raw).subject(), Some("Laptop <i>: 1.250,00 USD gebucht"));
    assert!(
        parse(&raw).body_text(0).expect("text").contains("3. September 2026"),
        "the date of the occurrence"
    );
    paused(Some("ACCOUNT_CLOSED"));
    notify.clock.advance(chrono::TimeDelta::seconds(1));
    notify.ledger.append(event(&ana, "recurring", 9, "failed"));
    let raw = smtp.next_message().await;
    let email = parse(&raw);
    assert_eq!(email.subject(), Some("Rent konnte nicht gebucht werden"));
    assert!(email.body_text(0).expect("text").contains("das Konto ist archiviert"), "{raw}");
    // The recurring transaction was deleted or resumed: there is no notification.
    paused(None);
    for kind in ["failed", "created", "paused", "deleted", "posted"] {
        notify.ledger.append(event(&ana, "recurring", 9, kind));
    }
    wait_for_events(&notify, 7).await;
    paused(Some(""));
    notify.ledger.append(event(&ana, "recurring", 9, "failed"));
    notify.ledger.append(event(&ana, "transaction", 31, "created"));
    wait_for_events(&notify, 9).await;
    let kinds: Vec<_> = inbox(&notify, &ana).await.into_iter().map(|row| (row.kind, row.entity)).collect();
    let row = |kind: &str| (kind.to_owned(), "recurring".to_owned());
    assert_eq!(kinds, [row("recurring_failed"), row("recurring_posted")]);
}
