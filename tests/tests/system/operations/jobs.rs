//! Background jobs, as commands and over gRPC.

use std::collections::BTreeSet;

use fintrac_proto::jobs::v1 as pb;
use fintrac_proto::jobs::v1::job_service_client::JobServiceClient;
use fintrac_tests::system::{Layout, System};
use sqlx::{Connection as _, PgConnection};
use tonic::Code;

use crate::BINARY;
use crate::support::{administrator, channel, eventually, logged_in, with_token};

const EMAIL: &str = "operated@example.com";

async fn count(database: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.expect("query")
}

/// Background jobs over gRPC, for administrators.
pub async fn administrators_list_and_run_jobs(system: &System) {
    let user = logged_in(system, "grpc-jobs@example.com").await.text("access_token");
    let mut client = JobServiceClient::new(channel(&system.budget_grpc).await);
    let list = pb::ListJobsRequest {};
    let denied = client.list_jobs(with_token(&user, list)).await.expect_err("users may not list jobs");
    assert_eq!(denied.code(), Code::PermissionDenied);
    assert_eq!(client.list_jobs(list).await.expect_err("no token").code(), Code::Unauthenticated);

    let run = pb::RunJobRequest { name: "budget-check".into() };
    let denied = client.run_job(with_token(&user, run.clone())).await.expect_err("users may not run jobs");
    assert_eq!(denied.code(), Code::PermissionDenied);

    let admin = administrator(system, "jobs-admin@example.com").await;
    let listed = client.list_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
    let services: BTreeSet<_> = listed.iter().map(|job| job.service.as_str()).collect();
    let all = ["auth", "budget", "ledger", "notify"];
    let expected = if system.budget_grpc == system.auth_grpc { &all[..] } else { &["budget"] };
    assert!(services.iter().eq(expected), "the services at this port: {services:?}");
    let check = listed.iter().find(|job| job.name == "budget-check").expect("the job exists");
    assert!(check.due_at.is_some() && check.backlog.is_none() && check.failures == 0, "{check:?}");

    let before = check.finished_at;
    client.run_job(with_token(&admin, run)).await.expect("the run is requested");
    eventually("the job runs again", async || {
        let jobs = client.list_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
        let check = jobs.into_iter().find(|job| job.name == "budget-check").expect("the job exists");
        check.finished_at.map(|time| (time.seconds, time.nanos))
            > before.map(|time| (time.seconds, time.nanos))
    })
    .await;
    let nothing = pb::RunJobRequest { name: "print-money".into() };
    let unknown = client.run_job(with_token(&admin, nothing)).await.expect_err("an unknown job");
    assert_eq!(unknown.code(), Code::NotFound);
}

/// Marks the only email as given up by the email server.
async fn fail_email(database: &mut PgConnection) {
    let mut transaction = database.begin().await.expect("a transaction");
    for sql in [
        "update notify.emails set state = 'failed'",
        "insert into notify.jobs (queue, key, run_at, attempts, last_error, failed_at)
         select 'emails', id::text, now(), 7, 'the email server responded with 550', now() from notify.emails",
    ] {
        sqlx::query(sql).execute(&mut *transaction).await.expect("the email is marked as failed");
    }
    transaction.commit().await.expect("committed");
}

pub async fn jobs_are_listed_and_run_and_failed_ones_retried() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let mut database = PgConnection::connect(&system.database_url()).await.expect("connected");
    assert_eq!(system.client.register(EMAIL).await.status, 202);
    system.mailbox.wait("verification", EMAIL).await;
    let sent = "select count(*) from notify.emails where state = 'sent'";
    eventually("the email is recorded as sent", async || count(&mut database, sent).await > 0).await;

    let listed = system.run_command(&["jobs"]).await;
    for (service, job) in [
        ("auth", "event-partitions"),
        ("ledger", "recurring-transactions"),
        ("budget", "budget-check"),
        ("budget", "goal-reminders"),
        ("notify", "monthly-reports"),
        ("notify", "emails"),
    ] {
        let has = |line: &str| line.split_whitespace().take(2).eq([service, job]);
        assert!(listed.lines().any(has), "{service} {job} is not in\n{listed}");
    }
    let emails = listed.lines().find(|line| line.contains(" emails ")).expect("a line");
    assert_eq!(emails.split_whitespace().skip(2).collect::<Vec<_>>(), ["no", "-", "-", "0", "0"], "{emails}");

    // The running system runs the requested job before the command returns.
    let finished =
        "select (extract(epoch from finished_at) * 1000)::int8 from budget.jobs where queue = 'budget-check'";
    let before = count(&mut database, finished).await;
    system.run_command(&["jobs-run", "budget-check"]).await;
    assert!(count(&mut database, finished).await > before, "the job ran again");

    // An old month of the event log without unread events.
    let old = "select count(*) from pg_class where relname = 'events_2025_01'";
    sqlx::query("select auth.ensure_event_partitions('2025-01-01', 0)")
        .execute(&mut database)
        .await
        .expect("the partition is created");
    assert_eq!(count(&mut database, old).await, 1);
    system.run_command(&["jobs-run", "event-partitions"]).await;
    assert_eq!(count(&mut database, old).await, 0, "the partition is dropped");

    // A failed email is retried on request, as the same email.
    fail_email(&mut database).await;
    let failed = system.run_command(&["jobs-failed"]).await;
    assert!(
        failed.starts_with("emails ") && failed.contains("7 attempts: the email server responded with 550"),
        "{failed}"
    );
    assert!(!failed.contains(EMAIL), "the address stays in auth-svc");
    system.run_command(&["jobs-retry", "emails"]).await;
    eventually("the email is sent", async || count(&mut database, sent).await == 1).await;
    assert_eq!(system.run_command(&["jobs-failed"]).await, "");

    // The same over gRPC, for administrators.
    fail_email(&mut database).await;
    let admin = administrator(&system, "operator@example.com").await;
    let mut client = JobServiceClient::new(channel(&system.notify_grpc).await);
    let list = pb::ListFailedJobsRequest {};
    let failed = client.list_failed_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
    let [job] = failed.as_slice() else { panic!("one failed job: {failed:?}") };
    assert_eq!((job.service.as_str(), job.queue.as_str(), job.attempts), ("notify", "emails", 7));
    assert_eq!(job.last_error, "the email server responded with 550");
    let retry = |queue: &str, key: &str| {
        let (queue, keys) = (queue.to_owned(), vec![key.to_owned()]);
        with_token(&admin, pb::RetryFailedJobsRequest { queue, keys })
    };
    let unknown = client.retry_failed_jobs(retry("parcels", &job.key)).await.expect_err("an unknown queue");
    assert_eq!(unknown.code(), Code::NotFound);
    let other = client.retry_failed_jobs(retry("emails", "x")).await.expect("a response").into_inner();
    assert_eq!(other.retried, 0);
    let retried = client.retry_failed_jobs(retry("emails", &job.key)).await.expect("due").into_inner();
    assert_eq!(retried.retried, 1);
    let anonymous = client.list_failed_jobs(list).await.expect_err("no token");
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    assert_eq!(system.mailbox.subjects("verification", EMAIL).len(), 1, "the same file");
    system.terminate().await;
}
