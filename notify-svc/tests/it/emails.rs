use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use kit_testing::TestDatabase;
use kit_testing::smtp::{CREDENTIALS, SmtpReply, SmtpSecurity, SmtpServer};
use notify_svc::SCHEMA;

use crate::auth::{Auth, ChallengeReply};
use crate::budget::Budget;
use crate::support::{clock, parse, start, start_on, with_server};

/// Auth events that cause an email, with its kind and a fragment of its text.
const EMAIL_EVENTS: [(&str, &str, &str, &str); 16] = [
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
async fn each_kind_arrives_in_the_users_language() {
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
        for (entity, event, kind, fragment) in EMAIL_EVENTS {
            auth.append(entity, event);
            let raw = smtp.next_message().await;
            let email = parse(&raw);
            assert_eq!(email.header_raw("X-FinTrac-Kind").map(str::trim), Some(kind), "{event}");
            let to = if event == "email_changed" { "former@example.com" } else { "ana@example.com" };
            assert_eq!(email.to().and_then(|to| to.first()).and_then(|to| to.address()), Some(to));
            assert_eq!(email.header_raw("List-Unsubscribe"), None, "{kind} has no unsubscribe link");
            assert!(email.message_id().is_some_and(|id| id.ends_with("@money.example")));
            let (text, html) = (email.body_text(0).expect("text"), email.body_html(0).expect("html"));
            assert!(!text.is_empty() && html.contains("</html>"));
            assert!(text.contains(fragment), "{event}: {text}");
            assert!(!html.contains("<b>phone"), "the device's name is escaped");
            if fragment.contains("token=") {
                assert!(text.contains("042042") && html.contains("042042"));
            }
            subjects.insert(email.subject().expect("a subject").to_owned());
        }
    }
    // Both password events send the same email; every other email has its own subject.
    assert_eq!(subjects.len(), 5 * (EMAIL_EVENTS.len() - 1), "{subjects:?}");
}

#[tokio::test]
async fn a_restored_user_gets_no_deletion_email() {
    let (mut smtp, auth, _notify) = with_server().await;
    *auth.challenge_reply.lock().expect("no panic") = ChallengeReply::Lapsed;
    auth.append("user", "deletion_requested");
    auth.append("user", "restored");
    let raw = smtp.next_message().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("account_restored"));
}

#[tokio::test]
async fn the_time_of_a_new_device_is_in_the_users_time_zone() {
    let (mut smtp, auth, _notify) = with_server().await;
    auth.append("device", "added");
    let raw = smtp.next_message().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("September 21, 2026 at 4:13\u{202f}PM (Europe/Madrid)"), "{text}");
}

#[tokio::test]
async fn links_lead_to_the_configured_front_end() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    let url = smtp.url();
    let _notify = start(&auth, &[("SMTP_URL", &url), ("FRONTEND_URL", "https://app.example/")]).await;
    auth.append("challenge", "verification_requested");
    let raw = smtp.next_message().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("https://app.example/verify-email#token=THE-TOKEN"), "{text}");
}

#[tokio::test]
async fn a_late_email_has_no_code_and_a_lapsed_one_is_dropped() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    *auth.challenge_reply.lock().expect("no panic") =
        ChallengeReply::Secrets { token: "THE-TOKEN", code: "" };
    let url = smtp.url();
    let _notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.append("challenge", "verification_requested");
    let raw = smtp.next_message().await;
    let text = parse(&raw).body_text(0).expect("text").into_owned();
    assert!(text.contains("THE-TOKEN") && !text.contains("code"), "{text}");

    let auth = Auth::new("en");
    *auth.challenge_reply.lock().expect("no panic") = ChallengeReply::Lapsed;
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.append("challenge", "verification_requested");
    notify.wait_for_email("dropped", 0).await;
    assert!(!smtp.has_messages());
}

#[tokio::test]
async fn a_temporary_rejection_is_retried_on_schedule_as_the_same_email() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.set_reply(SmtpReply::TransientFailure);
    auth.append("challenge", "verification_requested");
    let first = smtp.next_message().await;
    notify.wait_for_email("pending", 1).await;
    notify.clock.advance(TimeDelta::seconds(5));
    let second = smtp.next_message().await;
    notify.wait_for_email("pending", 2).await;
    smtp.set_reply(SmtpReply::Accept);
    notify.clock.advance(TimeDelta::minutes(5));
    let third = smtp.next_message().await;
    notify.wait_for_email("sent", 0).await;
    let id = |raw: &str| parse(raw).message_id().map(str::to_owned).expect("an id");
    assert_eq!(id(&first), id(&third));
    assert_eq!(id(&first), id(&second));
}

#[tokio::test]
async fn a_lost_response_is_a_failure_that_is_retried() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.set_reply(SmtpReply::Disconnect);
    auth.append("user", "verified");
    smtp.next_message().await;
    notify.wait_for_email("pending", 1).await;
    smtp.set_reply(SmtpReply::Accept);
    notify.clock.advance(TimeDelta::seconds(5));
    smtp.next_message().await;
    notify.wait_for_email("sent", 0).await;
}

#[tokio::test]
async fn a_permanent_rejection_fails_with_its_reason() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.set_reply(SmtpReply::PermanentFailure);
    auth.append("user", "verified");
    smtp.next_message().await;
    notify.wait_for_email("failed", 1).await;
    let error: String = sqlx::query_scalar("select last_error from notify.jobs where queue = 'emails'")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    assert!(error.contains("550") && !error.contains("ana@example.com"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_at_the_server_is_retried() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.set_reply(SmtpReply::AuthenticationFailed);
    auth.append("user", "verified");
    smtp.next_message().await;
    notify.wait_for_email("pending", 1).await;
    smtp.set_reply(SmtpReply::Accept);
    notify.clock.advance(TimeDelta::seconds(5));
    smtp.next_message().await;
    notify.wait_for_email("sent", 0).await;
}

#[tokio::test]
async fn an_outage_of_auth_svc_costs_an_email_no_attempt() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    *auth.challenge_reply.lock().expect("no panic") = ChallengeReply::Unavailable;
    let url = smtp.url();
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.append("challenge", "verification_requested");
    let recorded = async {
        let has_error =
            "select exists (select from notify.jobs where queue = 'emails' and last_error is not null)";
        while !sqlx::query_scalar::<_, bool>(has_error).fetch_one(&notify.pool).await.expect("query") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), recorded)
        .await
        .expect("the failed request to auth-svc is recorded");
    notify.wait_for_email("pending", 0).await;
    *auth.challenge_reply.lock().expect("no panic") =
        ChallengeReply::Secrets { token: "THE-TOKEN", code: "042042" };
    notify.clock.advance(TimeDelta::seconds(2));
    smtp.next_message().await;
    notify.wait_for_email("sent", 0).await;
}

#[tokio::test]
async fn non_ascii_addresses_are_delivered_to() {
    for (security, address, expected) in [
        (SmtpSecurity::PlainAscii, "ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"),
        (SmtpSecurity::Plain, "\u{92a}\u{94d}\u{930}@example.com", "\u{92a}\u{94d}\u{930}@example.com"),
        (SmtpSecurity::Plain, "j\u{f6}rg@b\u{fc}cher.example", "j\u{f6}rg@xn--bcher-kva.example"),
    ] {
        let mut smtp = SmtpServer::with_security(security).await;
        let auth = Auth::new("en");
        auth.recipient.lock().expect("no panic").email = address.into();
        let url = smtp.url();
        let notify = start(&auth, &[("SMTP_URL", &url)]).await;
        auth.append("user", "verified");
        let raw = smtp.next_message().await;
        assert!(raw.contains(&format!("To: {expected}\r\n")), "{raw}");
        notify.wait_for_email("sent", 0).await;
    }
}

#[tokio::test]
async fn an_address_that_the_server_cannot_deliver_to_fails() {
    let smtp = SmtpServer::with_security(SmtpSecurity::PlainAscii).await;
    let auth = Auth::new("en");
    auth.recipient.lock().expect("no panic").email = "j\u{f6}rg@example.com".into();
    let url = smtp.url();
    let notify = start(&auth, &[("SMTP_URL", &url)]).await;
    auth.append("user", "verified");
    notify.wait_for_email("failed", 1).await;
    let reason = "select split_part(last_error, ': ', 2) from notify.jobs where queue = 'emails'";
    notify
        .wait_for_text(reason, "the email server cannot deliver to non-ASCII addresses (it lacks SMTPUTF8)")
        .await;
}

#[tokio::test]
async fn two_replicas_send_each_email_once() {
    let mut smtp = SmtpServer::start().await;
    let auth = Auth::new("en");
    let url = smtp.url();
    let clock = clock();
    let database = TestDatabase::new(&[&SCHEMA], &clock).await;
    let one = start_on(&auth, &Budget::default(), &database, &clock, &[("SMTP_URL", &url)]).await;
    let _two = start_on(&auth, &Budget::default(), &database, &clock, &[("SMTP_URL", &url)]).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        auth.append("user", "verified");
    }
    for _ in 0..30 {
        let raw = smtp.next_message().await;
        ids.push(parse(&raw).message_id().map(str::to_owned).expect("an id"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 30);
    let count: i64 =
        sqlx::query_scalar("select count(*) from notify.emails").fetch_one(&one.pool).await.expect("query");
    assert_eq!(count, 30);
    assert!(!smtp.has_messages());
}

#[tokio::test]
async fn without_a_server_emails_are_files_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let auth = Auth::new("en");
    let notify = start(&auth, &[("FINTRAC_DATA_DIR", &folder.path().to_string_lossy())]).await;
    auth.append("challenge", "verification_requested");
    notify.wait_for_email("sent", 0).await;
    let emails = folder.path().join("emails");
    let mode = std::fs::metadata(&emails).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let files: Vec<_> =
        std::fs::read_dir(&emails).expect("the folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 1);
    assert!(files[0].to_string_lossy().ends_with("-verification.eml"));
    assert!(std::fs::read_to_string(&files[0]).expect("an email").contains("042042"));
}

#[tokio::test]
async fn no_address_and_no_secret_is_stored() {
    let (mut smtp, auth, notify) = with_server().await;
    auth.append("challenge", "verification_requested");
    smtp.next_message().await;
    notify.wait_for_email("sent", 0).await;
    let row: String = sqlx::query_scalar("select emails::text from notify.emails")
        .fetch_one(&notify.pool)
        .await
        .expect("query");
    for secret in ["ana@example.com", "THE-TOKEN", "042042"] {
        assert!(!row.contains(secret), "{row}");
    }
}

/// Writes the certificate of the server's authority to a temporary folder.
fn write_authority(smtp: &SmtpServer) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &smtp.authority).expect("written");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[tokio::test]
async fn emails_are_sent_over_tls_with_a_login() {
    for (security, scheme, query, by_ssl) in
        [(SmtpSecurity::StartTls, "smtp", "?tls=required", "false"), (SmtpSecurity::Tls, "smtps", "", "true")]
    {
        let mut smtp = SmtpServer::with_security(security).await;
        let (_folder, ca) = write_authority(&smtp);
        let port = smtp.address.port().to_string();
        let password = CREDENTIALS.1.replace(' ', "%20");
        let url = format!("{scheme}://{}:{password}@localhost:{port}{query}", CREDENTIALS.0);
        let by_url = [("SMTP_URL", url.as_str()), ("MAIL_CA_FILE", ca.as_str())];
        let by_names = [
            ("MAIL_SERVER", "localhost"),
            ("MAIL_PORT", port.as_str()),
            ("MAIL_USERNAME", CREDENTIALS.0),
            ("MAIL_PASSWORD", CREDENTIALS.1),
            ("MAIL_SSL", by_ssl),
            ("MAIL_CA_FILE", ca.as_str()),
        ];
        for settings in [by_url.as_slice(), by_names.as_slice()] {
            let auth = Auth::new("en");
            let notify = start(&auth, settings).await;
            auth.append("user", "verified");
            smtp.next_message().await;
            notify.wait_for_email("sent", 0).await;
        }
    }
}

#[tokio::test]
async fn an_untrusted_server_gets_no_email() {
    // An unknown authority, a wrong password, and a server without the required TLS.
    let (locked, open) = (SmtpServer::with_security(SmtpSecurity::StartTls).await, SmtpServer::start().await);
    let (_folder, ca) = write_authority(&locked);
    let (port, plain) = (locked.address.port().to_string(), open.address.port().to_string());
    let wrong = format!("smtp://{}:wrong@localhost:{port}?tls=required", CREDENTIALS.0);
    let unknown = format!("smtp://{}:x@localhost:{port}?tls=required", CREDENTIALS.0);
    for settings in [
        [("SMTP_URL", wrong.as_str()), ("MAIL_CA_FILE", ca.as_str()), ("MAIL_FROM", "a@b.example")],
        [("SMTP_URL", unknown.as_str()), ("MAIL_FROM", "a@b.example"), ("MAIL_FROM_NAME", "F")],
        [("MAIL_SERVER", "localhost"), ("MAIL_PORT", plain.as_str()), ("MAIL_TLS", "true")],
    ] {
        let auth = Auth::new("en");
        let notify = start(&auth, &settings).await;
        auth.append("user", "verified");
        notify.wait_for_email("pending", 1).await;
    }
    let (mut locked, mut open) = (locked, open);
    assert!(!locked.has_messages() && !open.has_messages(), "no email was delivered to these servers");
}

#[tokio::test]
async fn a_stalled_server_does_not_block_other_emails() {
    let (mut smtp, auth, notify) = with_server().await;
    smtp.set_reply(SmtpReply::Stall);
    for _ in 0..3 {
        auth.append("user", "verified");
    }
    for _ in 0..3 {
        smtp.next_message().await;
    }
    // Three of four senders wait; meanwhile events are processed and another email is sent.
    smtp.set_reply(SmtpReply::Accept);
    auth.append("user", "password_changed");
    let raw = smtp.next_message().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("password_changed"));
    assert_eq!(notify.email_count().await, 4);
}

#[tokio::test]
async fn an_event_without_a_notification_still_sends_an_email() {
    let (mut smtp, auth, notify) = with_server().await;
    *auth.challenge_reply.lock().expect("no panic") = ChallengeReply::Broken;
    auth.append("user", "password_changed");
    notify.wait_for_text("select count(*)::text from notify.event_dead_letters", "1").await;
    let postponed = "select count(*)::text from notify.jobs where queue = 'emails' and last_error <> '' and lease_id is null";
    notify.wait_for_text(postponed, "1").await;
    *auth.challenge_reply.lock().expect("no panic") = ChallengeReply::Lapsed;
    notify.clock.advance(TimeDelta::seconds(3));
    let raw = smtp.next_message().await;
    assert_eq!(parse(&raw).header_raw("X-FinTrac-Kind").map(str::trim), Some("password_changed"));
}
