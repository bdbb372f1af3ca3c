//! Notifications of budget and auth events, by email and in the inbox.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::events::v1::Event;
use fintrac_proto::notify::v1 as pb;
use kit_core::error::reason;
use kit_testing::smtp::SmtpServer;
use kit_testing::{TestDatabase, TestUser};
use notify_svc::SCHEMA;
use tonic::Status;
use uuid::Uuid;

use crate::auth::Auth;
use crate::budget::{BUDGET, Budget, GOAL, MISSING_ID};
use crate::support::{Notify, clock, parse, start, start_on, with_server};

fn subscriber(user: &TestUser, locale: &str, email: bool, inbox: bool) -> auth::Subscriber {
    auth::Subscriber { user_id: user.user_id.to_string(), locale: locale.into(), email, inbox }
}

async fn list(notify: &Notify, user: &TestUser, unread: bool) -> Vec<pb::Notification> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListNotificationsRequest { unread, page_size: Some(2), page_token };
        let page = user.call(notify.inbox().list_notifications(request)).await.expect("a page").into_inner();
        rows.extend(page.notifications);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return rows;
        }
    }
}

async fn mark(
    notify: &Notify,
    user: &TestUser,
    id: &str,
    is_read: bool,
    expected_version: Option<i64>,
) -> Result<pb::Notification, Status> {
    let request = pb::UpdateNotificationRequest {
        notification_id: id.into(),
        expected_version,
        is_read: Some(is_read),
    };
    let response = user.call(notify.inbox().update_notification(request)).await?;
    Ok(response.into_inner().notification.expect("a notification"))
}

#[tokio::test]
async fn each_kind_is_sent_by_email_and_inbox_in_the_users_language() {
    for (locale, titles) in [
        (
            "en",
            [
                "Food <b>: 80% of the budget is spent",
                "Food <b>: the budget is spent (80%)",
                "Boat: 100% of the way",
                "Boat: goal reached",
                "Boat: due in 30 days",
            ],
        ),
        (
            "es",
            [
                "Food <b>: 80 % del presupuesto gastado",
                "Food <b>: presupuesto agotado (80 %)",
                "Boat: 100 % del camino",
                "Boat: meta alcanzada",
                "Boat: vence en 30 días",
            ],
        ),
    ] {
        let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new(locale), clock());
        let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
        let ana = TestUser::new(&clock);
        *auth.subscribers.lock().expect("no panic") = vec![subscriber(&ana, locale, true, true)];
        let events = [
            ("alert", "budget_threshold", "budget", BUDGET),
            ("alert", "budget_exceeded", "budget", BUDGET),
            ("milestone", "goal_milestone", "goal", GOAL),
            ("milestone", "goal_reached", "goal", GOAL),
            ("reminder", "goal_deadline", "goal", GOAL),
        ];
        for ((entity, kind, about, id), title) in events.into_iter().zip(titles) {
            notify.clock.advance(TimeDelta::seconds(1));
            notify.budget.append(ana.household_id, entity, Uuid::from_u128(1), kind);
            let raw = smtp.next_message().await;
            let email = parse(&raw);
            assert_eq!(email.subject(), Some(title));
            assert_eq!(email.header_raw("X-FinTrac-Kind").map(str::trim), Some(kind));
            let end = format!("http://localhost:8000/unsubscribe?token=end-{kind}");
            assert_eq!(
                email.header_raw("List-Unsubscribe").map(str::trim),
                Some(format!("<{end}>").as_str())
            );
            assert_eq!(
                email.header_raw("List-Unsubscribe-Post").map(str::trim),
                Some("List-Unsubscribe=One-Click")
            );
            let inbox = list(&notify, &ana, true).await;
            let newest = inbox.first().expect("the notification is in the inbox");
            assert_eq!((newest.kind.as_str(), newest.title.as_str()), (kind, title));
            assert_eq!((newest.entity.as_str(), newest.entity_id.clone()), (about, id.to_string()));
            let (text, html) = (email.body_text(0).expect("text"), email.body_html(0).expect("html"));
            assert!(text.contains(&newest.body) && text.contains(&end), "{text}");
            assert!(html.contains(&format!("href=\"{end}\"")), "{html}");
            assert!(!html.contains("<b>:"), "the name is escaped");
        }
    }
}

#[tokio::test]
async fn members_are_notified_by_their_chosen_channels() {
    let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new("en"), clock());
    let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
    let (ana, bob) = (TestUser::new(&clock), TestUser::new(&clock));
    *auth.subscribers.lock().expect("no panic") =
        vec![subscriber(&ana, "en", false, true), subscriber(&bob, "es", true, false)];
    notify.budget.append(ana.household_id, "alert", Uuid::from_u128(1), "budget_threshold");
    let raw = smtp.next_message().await;
    assert!(
        parse(&raw).subject().is_some_and(|subject| subject.contains("gastado")),
        "the email is in Bob's language"
    );
    assert_eq!(list(&notify, &ana, false).await.len(), 1);
    assert!(list(&notify, &bob, false).await.is_empty());
    // No subscriber, a deleted budget, or an event of another entity: there is no notification.
    notify.budget.append(ana.household_id, "alert", MISSING_ID, "budget_threshold");
    auth.subscribers.lock().expect("no panic").clear();
    notify.budget.append(ana.household_id, "milestone", Uuid::from_u128(2), "goal_reached");
    notify.budget.append(ana.household_id, "goal", Uuid::from_u128(3), "goal_reached");
    notify.wait_for_budget_events(4).await;
    assert_eq!(list(&notify, &ana, false).await.len(), 1);
    assert_eq!(notify.email_count().await, 1);
    let dead: i64 = sqlx::query_scalar("select count(*) from notify.event_dead_letters")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    assert_eq!(dead, 0);
}

#[tokio::test]
async fn two_replicas_notify_once() {
    let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new("en"), clock());
    let (database, budget) = (TestDatabase::new(&[&SCHEMA], &clock).await, Budget::default());
    let url = smtp.url();
    let one = start_on(&auth, &budget, &database, &clock, &[("SMTP_URL", &url)]).await;
    let _two = start_on(&auth, &budget, &database, &clock, &[("SMTP_URL", &url)]).await;
    let ana = TestUser::new(&clock);
    *auth.subscribers.lock().expect("no panic") = vec![subscriber(&ana, "en", true, true)];
    for number in 0..30 {
        budget.append(ana.household_id, "alert", Uuid::from_u128(number), "budget_threshold");
    }
    for _ in 0..30 {
        smtp.next_message().await;
    }
    one.wait_for_budget_events(30).await;
    assert_eq!(list(&one, &ana, true).await.len(), 30);
    assert_eq!(one.email_count().await, 30);
}

#[tokio::test]
async fn only_their_owner_can_mark_notifications_as_read() {
    let (auth, clock) = (Auth::new("en"), clock());
    let folder = tempfile::tempdir().expect("a folder");
    let notify = start(&auth, &[("FINTRAC_DATA_DIR", &folder.path().to_string_lossy())]).await;
    let (ana, bob) = (TestUser::new(&clock), TestUser::new(&clock));
    *auth.subscribers.lock().expect("no panic") =
        vec![subscriber(&ana, "en", false, true), subscriber(&bob, "en", false, true)];
    for number in 0..5 {
        notify.budget.append(ana.household_id, "alert", Uuid::from_u128(number), "budget_threshold");
    }
    notify.wait_for_budget_events(5).await;
    let all = list(&notify, &ana, false).await;
    assert!(all.len() == 5 && all.is_sorted_by(|one, next| one.id > next.id), "newest first, once each");
    let first = &all[0];
    assert_eq!((first.read_at, first.version), (None, 1));

    let read = mark(&notify, &ana, &first.id, true, Some(1)).await.expect("marked");
    assert!(read.read_at.is_some() && read.version == 2);
    assert_eq!(mark(&notify, &ana, &first.id, true, None).await.expect("the same"), read);
    assert_eq!(list(&notify, &ana, true).await.len(), 4);
    let stale = mark(&notify, &ana, &first.id, false, Some(1)).await.expect_err("stale");
    assert_eq!(reason(&stale).as_deref(), Some("VERSION_MISMATCH"));
    mark(&notify, &ana, &first.id, false, Some(2)).await.expect("unread again");
    assert_eq!(list(&notify, &ana, true).await.len(), 5);
    for id in [first.id.as_str(), "nonsense"] {
        let error = mark(&notify, &bob, id, true, None).await.expect_err("the notification is not Bob's");
        assert_eq!(reason(&error).as_deref(), Some("NOT_FOUND"));
    }

    let all_read = pb::MarkAllNotificationsReadRequest {};
    ana.call(notify.inbox().mark_all_notifications_read(all_read)).await.expect("marked");
    assert!(list(&notify, &ana, true).await.is_empty());
    assert_eq!(list(&notify, &bob, true).await.len(), 5, "Bob's inbox is unchanged");
    let anonymous = notify.inbox().list_notifications(pb::ListNotificationsRequest::default()).await;
    assert_eq!(anonymous.expect_err("no token").code(), tonic::Code::Unauthenticated);
}

/// Each auth event in the inbox, with its kind and a fragment of its English text.
const ACCOUNT_EVENTS: [(&str, &str, &str, &str); 15] = [
    ("challenge", "password_reset_requested", "password_reset", "stays as it is"),
    ("challenge", "email_change_requested", "email_change", "takes effect when you confirm it"),
    ("challenge", "email_changed", "email_changed", "to your new address"),
    ("device", "added", "new_device", "September 21, 2026 at 4:13"),
    ("user", "already_registered", "already_registered", "nothing has changed"),
    ("user", "verified", "welcome", "Your household is ready"),
    ("user", "password_changed", "password_changed", "other sessions were ended"),
    ("user", "password_reset", "password_changed", "other sessions were ended"),
    ("user", "mfa_enabled", "mfa_changed", "authenticator app"),
    ("user", "mfa_disabled", "mfa_changed", "no longer requires"),
    ("user", "recovery_code_used", "mfa_changed", "recovery codes"),
    ("user", "locked", "account_locked", "locked your FinTrac account"),
    ("user", "throttled", "account_locked", "with a wrong password"),
    ("user", "deletion_requested", "account_deletion", "On October 21, 2026"),
    ("user", "restored", "account_restored", "Everything is as it was"),
];

#[tokio::test]
async fn account_events_are_in_the_inbox_in_every_language() {
    let mut texts = std::collections::HashSet::new();
    for locale in ["en", "es", "fr", "de", "pt"] {
        let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new(locale), clock());
        let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
        let ana = TestUser::new(&clock);
        auth.recipient.lock().expect("no panic").household_id = ana.household_id.to_string();
        let device = Uuid::from_u128(8);
        let event_of_ana = |entity: &str, kind: &str| Event {
            user_id: ana.user_id.to_string(),
            entity: entity.into(),
            entity_id: device.to_string(),
            kind: kind.into(),
            ..Event::default()
        };
        // An unverified address gets an email but no notification.
        auth.append_event(event_of_ana("challenge", "verification_requested"));
        let _verification = smtp.next_message().await;
        for (entity, event, kind, fragment) in ACCOUNT_EVENTS {
            notify.clock.advance(TimeDelta::seconds(1));
            auth.append_event(event_of_ana(entity, event));
            // The email is sent as well.
            let raw = smtp.next_message().await;
            assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some(kind));
            let newest = list(&notify, &ana, true).await.remove(0);
            assert_eq!(newest.kind, kind);
            if locale == "en" {
                assert!(newest.body.contains(fragment), "{event}: {}", newest.body);
            }
            for secret in ["THE-TOKEN", "042042"] {
                assert!(!newest.title.contains(secret) && !newest.body.contains(secret), "{newest:?}");
            }
            let about = if kind == "new_device" { ("device", device) } else { ("user", ana.user_id) };
            assert_eq!((newest.entity.as_str(), newest.entity_id), (about.0, about.1.to_string()));
            texts.insert((newest.title, newest.body));
        }
        assert_eq!(list(&notify, &ana, false).await.len(), ACCOUNT_EVENTS.len());
        let other = TestUser::new(&clock);
        assert!(list(&notify, &other, false).await.is_empty());
    }
    // Both password events have the same text; every other notification has its own.
    assert_eq!(texts.len(), 5 * (ACCOUNT_EVENTS.len() - 1), "{texts:?}");
}

#[tokio::test]
async fn a_user_without_a_household_gets_emails_only() {
    let (mut smtp, auth, notify) = with_server().await;
    auth.recipient.lock().expect("no panic").household_id.clear();
    auth.append("challenge", "verification_requested");
    auth.append("user", "already_registered");
    // Both events are processed once their emails arrive.
    let _emails = (smtp.next_message().await, smtp.next_message().await);
    let rows: i64 = sqlx::query_scalar("select count(*) from notify.notifications")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    assert_eq!(rows, 0);
}
