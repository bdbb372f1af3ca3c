use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::testing::TestDatabase;
use fintrac_kit::testing::smtp::{Door, LOGIN, SmtpServer, Verdict};
use notify_svc::SCHEMA;

use crate::auth::{Auth, Facts};
use crate::budget::Budget;
use crate::support::{clock, parse, start, start_on, with_server};

/// Every event of auth's that asks for a mail: the mail's kind, and something that it says.
const ASKING: [(&str, &str, &str, &str); 16] = [
    ("challenge", "verification_requested", "verification", "/verify-email#token=THE-TOKEN"),
    ("challenge", "password_reset_requested", "password_reset", "/reset-password#token=THE-TOKEN"),
    ("challenge", "email_change_requested", "email_change", "/verify-email#token=THE-TOKEN"),
    ("challenge", "email_changed", "email_changed", ""),
    ("device", "added", "new_device", "198.51.100.7"),
    ("user", "already_registered", "already_registered", ""),
    ("user", "verified", "welcome", "Ana"),
    ("user", "password_changed", "password_changed", ""),
    ("user", "password_reset", "password_changed", ""),
    ("user", "mfa_enabled", "mfa_changed", ""),
    ("user", "mfa_disabled", "mfa_changed", ""),
    ("user", "recovery_code_used", "mfa_changed", ""),
    ("user", "locked", "account_locked", ""),
    ("user", "throttled", "account_locked", ""),
    ("user", "deletion_requested", "account_deletion", "2026"),
    ("user", "restored", "account_restored", ""),
];

#[tokio::test]
async fn each_kind_arrives_in_the_readers_language() {
    let mut subjects = HashSet::new();
    for locale in ["en", "es", "fr", "de", "pt"] {
        let mut smtp = SmtpServer::start().await;
        let auth = Auth::new(locale);
        let url = smtp.url();
        let settings = [
            ("SMTP_URL", url.as_str()),
            ("BACKEND_URL", "https://money.example"),
            ("MAIL_FROM", "noreply@money.example"),
        ];
        let _notify = start(&auth, &settings).await;
        for (entity, event, kind, said) in ASKING {
            auth.tell(entity, event);
            let raw = smtp.next().await;
            let mail = parse(&raw);
            assert_eq!(mail.header_raw("X-FinTrac-Kind").map(str::trim), Some(kind), "{event}");
            let to = if event == "email_changed" { "former@example.com" } else { "ana@example.com" };
            assert_eq!(mail.to().and_then(|to| to.first()).and_then(|to| to.address()), Some(to));
            assert_eq!(mail.header_raw("List-Unsubscribe"), None, "{kind} cannot be switched off");
            assert!(mail.message_id().is_some_and(|id| id.ends_with("@money.example")));
            let (text, html) = (mail.body_text(0).expect("text"), mail.body_html(0).expect("html"));
            assert!(!text.is_empty() && html.contains("</html>"));
            assert!(text.contains(said), "{event}: {text}");
            assert!(!html.contains("<b>phone"), "a device's name brings no markup");
            if said.contains("token=") {
                assert!(text.contains("042042") && html.contains("042042"));
            }
            subjects.insert(mail.subject().expect("a subject").to_owned());
        }
    }
    // Two events tell of a new password; all else has words of its own in each language.
    assert_eq!(subjects.len(), 5 * (ASKING.len() - 1), "{subjects:?}");
}

#[tokio::test]
async fn whoever_is_back_is_not_told_of_his_deletion() {
    let (mut smtp, auth, _notify) = with_server().await;
    *auth.facts.lock().expect("no panic") = Facts::Lapsed;
    auth.tell("user", "deletion_requested");
    auth.tell("user", "restored");
    let raw = smtp.next().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("account_restored"));
}

#[tokio::test]
async fn the_time_of_a_new_device_is_the_readers() {
    let (mut smtp, auth, _notify) = with_server().await;
    auth.tell("device", "added");
    let raw = smtp.next().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("September 21, 2026 at 4:13\u{202f}PM (Europe/Madrid)"), "{text}");
}

#[tokio::test]
async fn links_lead_to_the_front_end_when_there_is_one() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    let url = smtp.url();
    let _notify = start(&auth, &[("SMTP_URL", &url), ("FRONTEND_URL", "https://app.example/")]).await;
    auth.tell("challenge", "verification_requested");
    let raw = smtp.next().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("https://app.example/verify-email#token=THE-TOKEN"), "{text}");
}

#[tokio::test]
async fn a_late_mail_has_no_code_and_a_lapsed_one_is_dropped() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    *auth.facts.lock().expect("no panic") = Facts::Secrets { token: "THE-TOKEN", code: "" };
    let url = smtp.url();
    let _notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.tell("challenge", "verification_requested");
    let raw = smtp.next().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("THE-TOKEN") && !text.contains("code"), "{text}");

    let auth = Auth::new("en");
    *auth.facts.lock().expect("no panic") = Facts::Lapsed;
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.tell("challenge", "verification_requested");
    notify.until("dropped", 0).await;
    assert!(!smtp.has_more());
}

#[tokio::test]
async fn a_refusal_for_now_is_retried_on_schedule_as_the_same_mail() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.answer(Verdict::NotNow);
    auth.tell("challenge", "verification_requested");
    let first = smtp.next().await;
    notify.until("pending", 1).await;
    notify.clock.advance(TimeDelta::seconds(5));
    let second = smtp.next().await;
    notify.until("pending", 2).await;
    smtp.answer(Verdict::Accept);
    notify.clock.advance(TimeDelta::minutes(5));
    let third = smtp.next().await;
    notify.until("sent", 2).await;
    let id = |raw: &str| parse(raw).message_id().map(str::to_owned).expect("an id");
    assert_eq!(id(&first), id(&third));
    assert_eq!(id(&first), id(&second));
}

#[tokio::test]
async fn a_lost_answer_is_a_failure_that_is_tried_again() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.answer(Verdict::HangUp);
    auth.tell("user", "verified");
    smtp.next().await;
    notify.until("pending", 1).await;
    smtp.answer(Verdict::Accept);
    notify.clock.advance(TimeDelta::seconds(5));
    smtp.next().await;
    notify.until("sent", 1).await;
}

#[tokio::test]
async fn a_refusal_for_good_is_dead_with_its_reason() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.answer(Verdict::Never);
    auth.tell("user", "verified");
    smtp.next().await;
    notify.until("dead", 0).await;
    let error: String = sqlx::query_scalar("select last_error from notify.mails")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    assert!(error.contains("550") && !error.contains("ana@example.com"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_at_the_server_kills_no_mail() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.answer(Verdict::Locked);
    auth.tell("user", "verified");
    smtp.next().await;
    notify.until("pending", 1).await;
    smtp.answer(Verdict::Accept);
    notify.clock.advance(TimeDelta::seconds(5));
    smtp.next().await;
    notify.until("sent", 1).await;
}

#[tokio::test]
async fn an_outage_of_auth_is_not_held_against_the_mail() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    *auth.facts.lock().expect("no panic") = Facts::OutOfReach;
    let url = smtp.url();
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.tell("challenge", "verification_requested");
    let noted = async {
        let asked = "select exists (select from notify.mails where last_error is not null)";
        while !sqlx::query_scalar::<_, bool>(asked).fetch_one(&notify.pool).await.expect("query") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), noted).await.expect("auth is asked, in vain");
    notify.until("pending", 0).await;
    *auth.facts.lock().expect("no panic") = Facts::Secrets { token: "THE-TOKEN", code: "042042" };
    notify.clock.advance(TimeDelta::seconds(2));
    smtp.next().await;
    notify.until("sent", 0).await;
}

#[tokio::test]
async fn addresses_of_other_scripts_are_delivered_to() {
    for (door, address, wanted) in [
        (Door::Ascii, "ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"),
        (Door::Open, "\u{92a}\u{94d}\u{930}@example.com", "\u{92a}\u{94d}\u{930}@example.com"),
        (Door::Open, "j\u{f6}rg@b\u{fc}cher.example", "j\u{f6}rg@xn--bcher-kva.example"),
    ] {
        let mut smtp = SmtpServer::behind(door).await;
        let auth = Auth::new("en");
        auth.recipient.lock().expect("no panic").email = address.into();
        let url = smtp.url();
        let notify = start(&auth, &[("SMTP_URL", &url)]).await;
        auth.tell("user", "verified");
        let raw = smtp.next().await;
        assert!(raw.contains(&format!("To: {wanted}\r\n")), "{raw}");
        notify.until("sent", 0).await;
    }
}

#[tokio::test]
async fn what_a_server_cannot_address_is_given_up() {
    let smtp = SmtpServer::behind(Door::Ascii).await;
    let auth = Auth::new("en");
    auth.recipient.lock().expect("no panic").email = "j\u{f6}rg@example.com".into();
    let url = smtp.url();
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.tell("user", "verified");
    notify.until("dead", 0).await;
    let reason = "select coalesce(last_error, '') from notify.mails";
    notify
        .until_text(reason, "the mail server cannot deliver to addresses beyond ASCII (it lacks SMTPUTF8)")
        .await;
}

#[tokio::test]
async fn two_replicas_send_each_mail_once() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    let url = smtp.url();
    let clock = clock();
    let database = TestDatabase::new(&[&SCHEMA], &clock).await;
    let one = start_on(&auth, &Budget::default(), &database, &clock, &[("SMTP_URL", &url)]).await;
    let _two = start_on(&auth, &Budget::default(), &database, &clock, &[("SMTP_URL", &url)]).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        auth.tell("user", "verified");
    }
    for _ in 0..30 {
        let raw = smtp.next().await;
        ids.push(parse(&raw).message_id().map(str::to_owned).expect("an id"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 30);
    let count: i64 =
        sqlx::query_scalar("select count(*) from notify.mails").fetch_one(&one.pool).await.expect("query");
    assert_eq!(count, 30);
    assert!(!smtp.has_more());
}

#[tokio::test]
async fn without_a_server_mails_are_files_of_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let auth = Auth::new("en");
    let notify = start(&auth, &[("FINTRAC_DATA_DIR", &folder.path().to_string_lossy())]).await;
    auth.tell("challenge", "verification_requested");
    notify.until("sent", 0).await;
    let mails = folder.path().join("mails");
    let mode = std::fs::metadata(&mails).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let files: Vec<_> =
        std::fs::read_dir(&mails).expect("the folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 1);
    assert!(files[0].to_string_lossy().ends_with("-verification.eml"));
    assert!(std::fs::read_to_string(&files[0]).expect("a mail").contains("042042"));
}

#[tokio::test]
async fn no_address_and_no_secret_is_stored() {
    let (mut smtp, auth, notify) = with_server().await;
    auth.tell("challenge", "verification_requested");
    smtp.next().await;
    notify.until("sent", 0).await;
    let row: String = sqlx::query_scalar("select mails::text from notify.mails")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    for secret in ["ana@example.com", "THE-TOKEN", "042042"] {
        assert!(!row.contains(secret), "{row}");
    }
}

/// A folder with the certificate of the server's authority.
fn trusting(smtp: &SmtpServer) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &smtp.authority).expect("written");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[tokio::test]
async fn mails_go_out_by_tls_and_with_a_login() {
    for (door, scheme, query, by_ssl) in
        [(Door::StartTls, "smtp", "?tls=required", "false"), (Door::Tls, "smtps", "", "true")]
    {
        let mut smtp = SmtpServer::behind(door).await;
        let (_folder, ca) = trusting(&smtp);
        let port = smtp.address.port().to_string();
        let password = LOGIN.1.replace(' ', "%20");
        let url = format!("{scheme}://{}:{password}@localhost:{port}{query}", LOGIN.0);
        let by_url = [("SMTP_URL", url.as_str()), ("MAIL_CA_FILE", ca.as_str())];
        let by_names = [
            ("MAIL_SERVER", "localhost"),
            ("MAIL_PORT", port.as_str()),
            ("MAIL_USERNAME", LOGIN.0),
            ("MAIL_PASSWORD", LOGIN.1),
            ("MAIL_SSL", by_ssl),
            ("MAIL_CA_FILE", ca.as_str()),
        ];
        for settings in [by_url.as_slice(), by_names.as_slice()] {
            let auth = Auth::new("en");
            let notify = start(&auth, settings).await;
            auth.tell("user", "verified");
            smtp.next().await;
            notify.until("sent", 0).await;
        }
    }
}

#[tokio::test]
async fn nobody_is_told_anything_who_cannot_prove_who_he_is() {
    // Not believed: an authority that nobody named; a wrong password; no TLS where it is wanted.
    let (locked, open) = (SmtpServer::behind(Door::StartTls).await, SmtpServer::start().await);
    let (_folder, ca) = trusting(&locked);
    let (port, plain) = (locked.address.port().to_string(), open.address.port().to_string());
    let wrong = format!("smtp://{}:wrong@localhost:{port}?tls=required", LOGIN.0);
    let unknown = format!("smtp://{}:x@localhost:{port}?tls=required", LOGIN.0);
    for settings in [
        [("SMTP_URL", wrong.as_str()), ("MAIL_CA_FILE", ca.as_str()), ("MAIL_FROM", "a@b.example")],
        [("SMTP_URL", unknown.as_str()), ("MAIL_FROM", "a@b.example"), ("MAIL_FROM_NAME", "F")],
        [("MAIL_SERVER", "localhost"), ("MAIL_PORT", plain.as_str()), ("MAIL_TLS", "true")],
    ] {
        let auth = Auth::new("en");
        let notify = start(&auth, &settings).await;
        auth.tell("user", "verified");
        notify.until("pending", 1).await;
    }
    let (mut locked, mut open) = (locked, open);
    assert!(!locked.has_more() && !open.has_more(), "no mail went there");
}

#[tokio::test]
async fn a_server_that_stalls_holds_nothing_else_back() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.answer(Verdict::Stall);
    for _ in 0..3 {
        auth.tell("user", "verified");
    }
    for _ in 0..3 {
        smtp.next().await;
    }
    // Three of four senders wait; events are digested and another mail goes out meanwhile.
    smtp.answer(Verdict::Accept);
    auth.tell("user", "password_changed");
    let raw = smtp.next().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("password_changed"));
    assert_eq!(notify.mails().await, 4);
}

#[tokio::test]
async fn an_event_that_no_inbox_can_tell_is_still_a_mail() {
    let (mut smtp, auth, notify) = with_server().await;
    *auth.facts.lock().expect("no panic") = Facts::Broken;
    auth.tell("user", "password_changed");
    notify.until_text("select count(*)::text from notify.event_dead_letters", "1").await;
    let postponed = "select (count(last_error) filter (where leased_until is null))::text from notify.mails";
    notify.until_text(postponed, "1").await;
    *auth.facts.lock().expect("no panic") = Facts::Lapsed;
    notify.clock.advance(TimeDelta::seconds(3));
    let raw = smtp.next().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("password_changed"));
}
