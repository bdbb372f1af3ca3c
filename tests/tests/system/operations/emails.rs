//! Tests emails through a failing server.
//!
//! None is lost, and an email that is sent twice has the same Message-ID.

use std::collections::BTreeSet;

use fintrac_tests::system::{Layout, Settings, System};
use kit_testing::smtp::{SmtpReply, SmtpServer};
use sqlx::{Connection as _, PgConnection};

use crate::BINARY;
use crate::support::eventually;

async fn start() -> (System, SmtpServer, PgConnection) {
    let server = SmtpServer::start().await;
    let settings = Settings { environment: vec![("SMTP_URL", server.url())], ..Settings::default() };
    let system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let database = PgConnection::connect(&system.database_url()).await.expect("connected");
    (system, server, database)
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {message}"))
}

async fn until_sent(database: &mut PgConnection, expected: i64) {
    eventually("all are sent", async || {
        // Makes postponed emails due.
        let due = "update notify.jobs set run_at = least(run_at, now()) where queue = 'emails'";
        sqlx::query(due).execute(&mut *database).await.expect("query");
        let sql = "select count(*) from notify.emails where state = 'sent'";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut *database).await.expect("query");
        count == expected
    })
    .await;
}

pub async fn an_email_not_recorded_as_sent_is_repeated_unchanged() {
    let (mut system, mut server, mut database) = start().await;
    server.set_reply(SmtpReply::Stall);
    assert_eq!(system.client.register("stalled@example.com").await.status, 202);
    // The server accepted the email, but notify-svc is killed before it records that.
    let first = server.next_message().await;
    system.kill_service("notify").await;
    server.set_reply(SmtpReply::Accept);
    system.restart_service("notify");
    system.wait_until_ready().await;
    // Other senders must wait until the lease of the killed process ends.
    let lapsed =
        "update notify.jobs set leased_until = leased_until - interval '30 seconds' where queue = 'emails'";
    sqlx::query(lapsed).execute(&mut database).await.expect("the lease is shortened");
    let second = server.next_message().await;
    assert_eq!(header(&first, "Message-ID"), header(&second, "Message-ID"), "the same email is sent twice");
    until_sent(&mut database, 1).await;
    assert!(!server.has_messages());
    system.terminate().await;
}

pub async fn queued_emails_are_sent_once_after_an_outage() {
    const EMAILS: usize = 12;
    let (mut system, mut server, mut database) = start().await;
    server.set_reply(SmtpReply::TransientFailure);
    for number in 0..EMAILS {
        assert_eq!(system.client.register(&format!("waiting-{number}@example.com")).await.status, 202);
    }
    let mut rejected = BTreeSet::new();
    while rejected.len() < EMAILS {
        rejected.insert(header(&server.next_message().await, "Message-ID").to_owned());
    }
    server.set_reply(SmtpReply::Accept);
    until_sent(&mut database, 12).await;
    let mut arrived = Vec::new();
    while server.has_messages() {
        arrived.push(header(&server.next_message().await, "Message-ID").to_owned());
    }
    let ids: BTreeSet<_> = arrived.iter().cloned().collect();
    assert!(ids == rejected, "the same emails: {arrived:?}");
    system.terminate().await;
}
