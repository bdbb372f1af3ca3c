//! What operators see of background work, and what they ask of it.

use std::time::Duration;

use fintrac_tests::suite::{Shape, Suite};
use sqlx::{Connection as _, PgConnection};

use crate::BINARY;

const EMAIL: &str = "operated@example.com";

async fn count(database: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.expect("query")
}

#[tokio::test]
async fn jobs_are_listed_and_run_and_dead_mails_retried() {
    let mut suite = Suite::start(BINARY, Shape::FiveProcesses).await;
    let mut database = PgConnection::connect(&suite.database_url()).await.expect("connected");
    assert_eq!(suite.client.register(EMAIL).await.status, 202);
    suite.mailbox.wait("verification", EMAIL).await;

    let listed = suite.operate(&["jobs"]).await;
    for (part, job) in [
        ("auth", "event-partitions"),
        ("ledger", "recurring-transactions"),
        ("budget", "budget-check"),
        ("budget", "goal-reminders"),
        ("notify", "feed-clean-up"),
        ("notify", "mails"),
    ] {
        let has = |line: &str| line.split_whitespace().take(2).eq([part, job]);
        assert!(listed.lines().any(has), "{part} {job} is not in\n{listed}");
    }
    let mails = listed.lines().find(|line| line.contains(" mails ")).expect("a line");
    assert_eq!(mails.split_whitespace().skip(2).collect::<Vec<_>>(), ["no", "-", "-", "0", "0"], "{mails}");

    // A run that is asked for is done by the suite that runs, and only then reported.
    let finished =
        "select (extract(epoch from finished_at) * 1000)::int8 from budget.jobs where name = 'budget-check'";
    let before = count(&mut database, finished).await;
    suite.operate(&["jobs-run", "budget-check"]).await;
    assert!(count(&mut database, finished).await > before, "it ran once more");

    // A mail that was given up goes out again when somebody says so, as the same mail.
    sqlx::query(
        "update notify.mails set state = 'dead', attempts = 7, last_error = 'the mail server answered 550'",
    )
    .execute(&mut database)
    .await
    .expect("given up");
    let dead = suite.operate(&["jobs-mails"]).await;
    assert!(
        dead.contains("verification") && dead.contains("7 tries: the mail server answered 550"),
        "{dead}"
    );
    assert!(!dead.contains(EMAIL), "who it is stays with auth-svc");
    suite.operate(&["jobs-retry"]).await;
    let sent = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while count(&mut database, "select count(*) from notify.mails where state = 'sent'").await != 1 {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), sent).await.expect("it goes out");
    assert_eq!(suite.operate(&["jobs-mails"]).await, "");
    assert_eq!(suite.mailbox.subjects("verification", EMAIL).len(), 1, "the same file");
    suite.terminate().await;
}
