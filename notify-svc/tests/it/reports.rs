//! Reports: the data of the other services in one response.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::notify::v1 as pb;
use kit_testing::TestUser;
use kit_testing::smtp::SmtpServer;
use tonic_types::StatusExt as _;

use crate::auth::Auth;
use crate::ledger::EMPTY;
use crate::support::{clock, parse, start};

#[tokio::test]
async fn a_report_covers_the_requested_days() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    let get = async |month: &str, from: &str, to: &str| {
        let (month, from, to) = (month.to_owned(), from.to_owned(), to.to_owned());
        let response = ana.call(notify.reports().get_report(pb::GetReportRequest { month, from, to })).await;
        response.map(tonic::Response::into_inner).map_err(|status| {
            let fields = status.get_details_bad_request().map(|details| details.field_violations);
            fields.unwrap_or_default().into_iter().map(|violation| violation.field).collect::<Vec<_>>()
        })
    };
    let report = get("2024-02", "", "").await.expect("a report");
    let money = report.money.expect("data");
    assert_eq!((money.from.as_str(), money.to.as_str()), ("2024-02-01", "2024-02-29"));
    let budget = &report.budgets[0];
    assert_eq!(budget.budget_id, ana.household_id.to_string(), "the caller's household");
    assert_eq!(budget.name, "2024-02-29", "the budgets on the last day");
    let report = get("", "2026-01-05", "2026-02-05").await.expect("a report");
    assert_eq!(report.budgets[0].name, "2026-02-05");
    assert_eq!(get("2024-2", "", "").await.expect_err("rejected"), ["month"]);
    assert_eq!(get("", "2026-02-05", "2026-01-05").await.expect_err("rejected"), ["to"]);
    let anonymous = notify.reports().get_report(pb::GetReportRequest::default()).await;
    assert_eq!(anonymous.expect_err("rejected").code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn the_monthly_report_is_emailed_once_when_the_month_is_over() {
    let (mut smtp, auth, clock) = (SmtpServer::start().await, Auth::new("de"), clock());
    let ana = TestUser::new(&clock);
    let subscriber =
        auth::Subscriber { user_id: ana.user_id.to_string(), locale: "de".into(), email: true, inbox: true };
    *auth.subscribers.lock().expect("no panic") = vec![subscriber];
    let zone = |household_id: String, timezone: &str| auth::HouseholdTimezone {
        household_id,
        timezone: timezone.into(),
    };
    let mut households = vec![
        zone(ana.household_id.to_string(), "Europe/Madrid"),
        zone(TestUser::new(&clock).household_id.to_string(), "America/New_York"),
    ];
    households.sort_by(|a, b| a.household_id.cmp(&b.household_id));
    *auth.households.lock().expect("no panic") = households;
    let url = smtp.url();
    let settings = [("SMTP_URL", url.as_str())];
    let notify = start(&auth, &settings).await;
    // In Madrid it is October, in New York still September.
    let october = "2026-09-30T22:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("an instant");
    notify.clock.advance(october - notify.clock.now());
    let _replica = notify.replica(&auth, &settings).await;
    let raw = smtp.next_message().await;
    let email = parse(&raw);
    assert_eq!(email.header_raw("X-FinTrac-Kind").map(str::trim), Some("monthly_report"));
    assert_eq!(email.subject(), Some("Ihr Bericht für September 2026"));
    let (text, html) = (email.body_text(0).expect("text"), email.body_html(0).expect("html"));
    assert!(text.contains("2.000,00 EUR") && text.contains("12.345,67 EUR"), "{text}");
    assert!(text.contains("Rent <b>: 300,00 EUR") && text.contains("Ohne Kategorie: 100,50 EUR"), "{text}");
    assert!(html.contains("width: 100%") && html.contains("width: 33%") && !html.contains("<b>"), "{html}");
    // Later runs and other replicas send no second report; New York's report follows.
    for hours in [5, 1, 1] {
        // An email whose lease ends while the clock advances would be sent again.
        notify.wait_for_text("select count(*)::text from notify.emails where state <> 'sent'", "0").await;
        notify.clock.advance(TimeDelta::hours(hours));
        let _replica = notify.replica(&auth, &settings).await;
        let now = notify.clock.now().timestamp();
        let finished = format!(
            "select (finished_at >= to_timestamp({now}))::text from notify.jobs where queue = 'monthly-reports'"
        );
        notify.wait_for_text(&finished, "true").await;
        notify
            .wait_for_text("select count(*)::text from notify.jobs where queue = 'report-notifications'", "0")
            .await;
    }
    let raw = smtp.next_message().await;
    assert_eq!(parse(&raw).subject(), Some("Ihr Bericht für September 2026"), "the report for New York");
    notify.wait_for_text("select count(*)::text from notify.emails where state = 'sent'", "2").await;
    assert!(!smtp.has_messages());
}

#[tokio::test]
async fn an_empty_month_sends_no_report() {
    let auth = Auth::new("en");
    let household_id = EMPTY.to_string();
    *auth.households.lock().expect("no panic") =
        vec![auth::HouseholdTimezone { household_id, timezone: "UTC".to_owned() }];
    let notify = start(&auth, &[]).await;
    notify.clock.advance(TimeDelta::days(12));
    let _replica = notify.replica(&auth, &[]).await;
    notify.wait_for_text("select count(*)::text from notify.reports", "1").await;
    notify
        .wait_for_text("select count(*)::text from notify.jobs where queue = 'report-notifications'", "0")
        .await;
    assert_eq!(notify.email_count().await, 0);
}
