//! Mails over a server that fails: none is lost, and what could have been sent
//! twice is the same mail.

use std::collections::BTreeSet;
use std::time::Duration;

use fintrac_kit::testing::smtp::{SmtpServer, Verdict};
use fintrac_tests::suite::{Settings, Shape, Suite};
use sqlx::{Connection as _, PgConnection};

use crate::BINARY;

async fn start() -> (Suite, SmtpServer, PgConnection) {
    let server = SmtpServer::start().await;
    let settings = Settings { common: vec![("SMTP_URL", server.url())], ..Settings::default() };
    let suite = Suite::start_with(BINARY, Shape::FiveProcesses, settings).await;
    let database = PgConnection::connect(&suite.database_url()).await.expect("connected");
    (suite, server, database)
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let line = mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {mail}"))
}

async fn until_sent(database: &mut PgConnection, expected: i64) {
    let sent = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            // What waits for its next try waits no longer: time flies.
            let due = "update notify.mails set due_at = least(due_at, now()) where state = 'pending'";
            sqlx::query(due).execute(&mut *database).await.expect("query");
            let sql = "select count(*) from notify.mails where state = 'sent'";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut *database).await.expect("query");
            if count == expected {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), sent).await.expect("all are sent");
}

#[tokio::test]
async fn killed_between_sending_and_noting_it() {
    let (mut suite, mut server, mut database) = start().await;
    server.answer(Verdict::Stall);
    assert_eq!(suite.client.register("stalled@example.com").await.status, 202);
    // The server has the mail; notify-svc does not know it yet, and never will.
    let first = server.next().await;
    suite.kill_part("notify").await;
    server.answer(Verdict::Accept);
    suite.start_part_again("notify");
    suite.wait_until_ready().await;
    // Nobody else has a claim on it until the lease of the dead has run out.
    let lapsed = "update notify.mails set leased_until = leased_until - interval '30 seconds'";
    sqlx::query(lapsed).execute(&mut database).await.expect("half a minute later");
    let second = server.next().await;
    assert_eq!(header(&first, "Message-ID"), header(&second, "Message-ID"), "at worst the same mail twice");
    until_sent(&mut database, 1).await;
    assert!(!server.has_more());
    suite.terminate().await;
}

#[tokio::test]
async fn what_waited_through_an_outage_goes_out_once() {
    const MAILS: usize = 12;
    let (mut suite, mut server, mut database) = start().await;
    server.answer(Verdict::NotNow);
    for number in 0..MAILS {
        assert_eq!(suite.client.register(&format!("waiting-{number}@example.com")).await.status, 202);
    }
    let mut refused = BTreeSet::new();
    while refused.len() < MAILS {
        refused.insert(header(&server.next().await, "Message-ID").to_owned());
    }
    server.answer(Verdict::Accept);
    until_sent(&mut database, 12).await;
    let mut arrived = Vec::new();
    while server.has_more() {
        arrived.push(header(&server.next().await, "Message-ID").to_owned());
    }
    let ids: BTreeSet<_> = arrived.iter().cloned().collect();
    assert!(ids == refused, "the same mails: {arrived:?}");
    suite.terminate().await;
}
