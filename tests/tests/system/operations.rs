//! Background jobs, failed emails, migrations, configuration checks and the demo.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use fintrac_proto::jobs::v1 as jobs;
use fintrac_proto::jobs::v1::job_service_client::JobServiceClient;
use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Signal, System, coverage_variable, free_port, shared_tempdir, signal};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::BINARY;
use crate::identity::logged_in;

const EMAIL: &str = "operated@example.com";

async fn count(database: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.expect("query")
}

async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a server")
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("metadata"));
    request
}

/// Background jobs over gRPC, for administrators.
pub async fn administrators_list_and_run_jobs(system: &System) {
    let user = logged_in(system, "grpc-jobs@example.com").await.text("access_token");
    let mut client = JobServiceClient::new(channel(&system.budget_grpc).await);
    let list = jobs::ListJobsRequest {};
    let denied = client.list_jobs(with_token(&user, list)).await.expect_err("users may not list jobs");
    assert_eq!(denied.code(), Code::PermissionDenied);
    assert_eq!(client.list_jobs(list).await.expect_err("no token").code(), Code::Unauthenticated);

    let run = jobs::RunJobRequest { name: "budget-check".into() };
    let denied = client.run_job(with_token(&user, run.clone())).await.expect_err("users may not run jobs");
    assert_eq!(denied.code(), Code::PermissionDenied);

    system.run_command(&["admin-create", "grpc-jobs@example.com"]).await;
    let admin = system.client.login("grpc-jobs@example.com").await.text("access_token");
    let listed = client.list_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
    let services: BTreeSet<_> = listed.iter().map(|job| job.service.as_str()).collect();
    let all = ["auth", "budget", "ledger", "notify"];
    let expected = if system.budget_grpc == system.auth_grpc { &all[..] } else { &["budget"] };
    assert!(services.iter().eq(expected), "the services at this port: {services:?}");
    let check = listed.iter().find(|job| job.name == "budget-check").expect("the job exists");
    assert!(check.due_at.is_some() && check.backlog.is_none() && check.failures == 0, "{check:?}");

    let before = check.finished_at;
    client.run_job(with_token(&admin, run)).await.expect("the run is requested");
    let ran = async {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let jobs = client.list_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
            let check = jobs.into_iter().find(|job| job.name == "budget-check").expect("the job exists");
            if check.finished_at.map(|index| (index.seconds, index.nanos))
                > before.map(|index| (index.seconds, index.nanos))
            {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ran).await.expect("the job runs again");
    let nothing = jobs::RunJobRequest { name: "print-money".into() };
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

#[tokio::test]
async fn jobs_are_listed_and_run_and_failed_ones_retried() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let mut database = PgConnection::connect(&system.database_url()).await.expect("connected");
    assert_eq!(system.client.register(EMAIL).await.status, 202);
    system.mailbox.wait("verification", EMAIL).await;
    let settled = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while count(&mut database, "select count(*) from notify.emails where state = 'sent'").await == 0 {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), settled).await.expect("the email is recorded as sent");

    let listed = system.run_command(&["jobs"]).await;
    for (service, job) in [
        ("auth", "event-partitions"),
        ("ledger", "recurring-transactions"),
        ("budget", "budget-check"),
        ("budget", "goal-reminders"),
        ("notify", "live-events-clean-up"),
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
    let sent = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while count(&mut database, "select count(*) from notify.emails where state = 'sent'").await != 1 {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), sent).await.expect("the email is sent");
    assert_eq!(system.run_command(&["jobs-failed"]).await, "");

    // The same over gRPC, for administrators.
    fail_email(&mut database).await;
    let admin = "operator@example.com";
    logged_in(&system, admin).await;
    system.run_command(&["admin-create", admin]).await;
    let admin = system.client.login(admin).await.text("access_token");
    let mut client = JobServiceClient::new(channel(&system.notify_grpc).await);
    let list = jobs::ListFailedJobsRequest {};
    let failed = client.list_failed_jobs(with_token(&admin, list)).await.expect("a list").into_inner().jobs;
    let [job] = failed.as_slice() else { panic!("one failed job: {failed:?}") };
    assert_eq!((job.service.as_str(), job.queue.as_str(), job.attempts), ("notify", "emails", 7));
    assert_eq!(job.last_error, "the email server responded with 550");
    let retry = |queue: &str, key: &str| {
        let (queue, keys) = (queue.to_owned(), vec![key.to_owned()]);
        with_token(&admin, jobs::RetryFailedJobsRequest { queue, keys })
    };
    let unknown = client.retry_failed_jobs(retry("parcels", &job.key)).await.expect_err("an unknown queue");
    assert_eq!(unknown.code(), Code::NotFound);
    let other = client.retry_failed_jobs(retry("emails", "x")).await.expect("an answer").into_inner();
    assert_eq!(other.retried, 0);
    let retried = client.retry_failed_jobs(retry("emails", &job.key)).await.expect("due").into_inner();
    assert_eq!(retried.retried, 1);
    let anonymous = client.list_failed_jobs(list).await.expect_err("no token");
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    assert_eq!(system.mailbox.subjects("verification", EMAIL).len(), 1, "the same file");
    system.terminate().await;
}

#[tokio::test]
async fn migrations_are_reverted_and_reapplied() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    system.terminate().await;
    let states = async |system: &System| {
        let status = system.run_command(&["migrate-status"]).await;
        let states = status.lines().filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned));
        (status.lines().count(), states.collect::<BTreeSet<_>>())
    };
    let (count, applied) = states(&system).await;
    assert!(count >= 4 && applied == BTreeSet::from(["applied".to_owned()]), "{count} {applied:?}");
    system.run_command(&["migrate-down", "100"]).await;
    assert_eq!(states(&system).await, (count, BTreeSet::from(["pending".to_owned()])));
    system.run_command(&["migrate"]).await;
    assert_eq!(states(&system).await, (count, applied));

    // If one schema belongs to another version, none is changed; a migration would grant this again.
    let mut database = PgConnection::connect(&system.database_url()).await.expect("connected");
    let execute = async |database: &mut PgConnection, sql: &'static str| {
        sqlx::raw_sql(sql).execute(database).await.expect("executed");
    };
    execute(
        &mut database,
        "insert into notify._kit_migrations (version, description, success, checksum, execution_time)
             values (2, 'other', true, 'x', 0);
         revoke all on auth.jobs from auth_app",
    )
    .await;
    let printed = system.run_failing_command("migrate").await;
    assert!(printed.contains("`notify` belongs to another version of FinTrac"), "{printed}");
    let granted = "select has_table_privilege('auth_app', 'auth.jobs', 'select')::int4::int8";
    assert_eq!(crate::operations::count(&mut database, granted).await, 0, "no schema was migrated");
    execute(&mut database, "delete from notify._kit_migrations where version = 2").await;
    system.run_command(&["migrate"]).await;
    assert_eq!(crate::operations::count(&mut database, granted).await, 1);
    system.restart().await;
    logged_in(&system, "after-all@example.com").await;
    assert!(system.verify().await);
    system.terminate().await;
}

#[tokio::test]
async fn config_check_prints_settings_without_secrets() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let printed = system.run_command(&["config-check"]).await;
    for line in [
        "FINTRAC_SERVICE_SECRET=***",
        "RATE_PROVIDER=off",
        "LEDGER_WRITERS=2  # default",
        "REDIS_URL=(none)  # default",
    ] {
        assert!(printed.lines().any(|item| item == line), "{line} is not in\n{printed}");
    }
    // Every variable of the example is read by the system, and the other way round.
    let example = include_str!("../../../.env.example");
    let names = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        lines.map(|(name, _)| name.to_owned()).filter(|name| is_name(name)).collect()
    };
    let (in_example, read) = (names(example), names(&printed));
    // AUTH_ stands for all services.
    let is_service_setting = |name: &&String| {
        ["LEDGER_", "BUDGET_", "NOTIFY_"]
            .iter()
            .any(|service| name.starts_with(service) && name.ends_with("DATABASE_URL"))
    };
    // The separate settings are read only if the URL is not set.
    let is_conditional = |name: &&String| {
        ["DB_POSTGRES_", "MAIL_", "REDIS_", "JWT_SECRET_KEY"].iter().any(|prefix| name.starts_with(prefix))
    };
    let unread: Vec<_> = in_example.difference(&read).filter(|name| !is_conditional(name)).collect();
    let undocumented: Vec<_> =
        read.difference(&in_example).filter(|name| !is_service_setting(name)).collect();
    assert!(
        unread.is_empty() && undocumented.is_empty(),
        "unread: {unread:?}; undocumented: {undocumented:?}"
    );
    system.terminate().await;
}

#[tokio::test]
async fn config_check_reports_every_error_at_once() {
    let wrong = [
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "9000000000000000000"),
        ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "0"),
        ("SESSION_LIFETIME_DAYS", "9000000000000000000"),
        ("MAIL_FROM", "FinTrac <noreply@fintrac.example>"),
        ("SMTP_URL", "mail.example"),
        ("GRPC_TLS_CERT", "/nowhere/tls.crt"),
        ("SERVER_WORKERS", "0"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("REDIS_URL", "http://redis"),
        ("LEDGER_DATABASE_URL", "nowhere"),
    ];
    let beside = [("GRPC_TLS_KEY", "/nowhere/tls.key"), ("GRPC_TLS_CA", "/nowhere/ca.crt")];
    let folder = shared_tempdir();
    let mut command = tokio::process::Command::new(BINARY);
    command.arg("config-check").current_dir(folder.path());
    command.env_clear().envs(coverage_variable()).envs(wrong).envs(beside);
    let output = command.output().await.expect("it runs");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    for (name, _) in wrong {
        assert!(errors.contains(name), "{name}: {errors}");
    }
}

#[tokio::test]
async fn config_check_reports_missing_settings_of_one_service() {
    let folder = shared_tempdir();
    let check = async |service: &str, settings: &[(&str, &str)]| {
        let mut command = tokio::process::Command::new(BINARY);
        command.args(["config-check", service]).current_dir(folder.path());
        command
            .env_clear()
            .envs(coverage_variable())
            .env("ENVIRONMENT", "production")
            .envs(settings.iter().copied());
        let output = command.output().await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (good, _, errors) = check("gateway", &[]).await;
    assert!(!good);
    for name in ["AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"] {
        assert!(errors.contains(name), "{name}: {errors}");
    }
    assert!(
        !errors.contains("SMTP_URL") && !errors.contains("FINTRAC_DATA_KEYS"),
        "other services' settings: {errors}"
    );
    let (_, _, errors) = check("budget", &[]).await;
    assert!(errors.contains("no database: set BUDGET_DATABASE_URL"), "{errors}");
    let urls = [
        ("AUTH_URL", "http://auth:50051"),
        ("LEDGER_URL", "http://ledger:50051"),
        ("BUDGET_DATABASE_URL", "postgres://budget@db/fintrac"),
        ("FINTRAC_SERVICE_KEYS", "budget>auth=Ji7nzQTtZ6hAfEHxDz4JEV7wCX8vSPmz4yHEHM6R3x0"),
    ];
    let (good, shown, errors) = check("budget", &urls).await;
    assert!(good && shown.contains("FINTRAC_SERVICE_KEYS=***"), "{shown}{errors}");
    let (good, _, errors) = check("kitchen", &[]).await;
    assert!(!good && errors.contains("--service"), "{errors}");
}

#[tokio::test]
async fn the_demo_has_a_year_of_transactions() {
    let folder = shared_tempdir();
    let port = free_port();
    let start = || {
        tokio::process::Command::new(BINARY)
            .arg("demo")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(coverage_variable())
            .env("FINTRAC_DEMO_DIR", folder.path())
            .env("FINTRAC_DATA_DIR", "/nowhere")
            .env("SMTP_URL", "smtp://unused.example")
            .env("SERVER_PORT", port.to_string())
            .env("GRPC_LISTEN", format!("127.0.0.1:{}", free_port()))
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts")
    };
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    // The second start keeps the data.
    for _ in 0..2 {
        let mut demo = start();
        let mut lines = BufReader::new(demo.stdout.take().expect("piped")).lines();
        let ready = async {
            loop {
                let line = lines.next_line().await.expect("output").expect("the demo keeps running");
                if let Some((_, password)) = line.split_once("with the password: ") {
                    return password.to_owned();
                }
            }
        };
        let password = tokio::time::timeout(Duration::from_mins(1), ready).await.expect("the demo is ready");
        let login = json!({"email": "demo@fintrac.example", "password": password});
        let login = client.post("/api/v1/auth/login", login).await;
        let token = login.text("access_token");
        let accounts = client.get_as(&token, "/api/v1/accounts").await;
        assert_eq!(accounts.body["data"].as_array().map(Vec::len), Some(3), "{accounts:?}");
        let year = client.get_as(&token, "/api/v1/transactions?page_size=200").await;
        assert_eq!(year.body["data"].as_array().map(Vec::len), Some(200));
        let budgets = client.get_as(&token, "/api/v1/budgets/summary").await;
        assert_eq!(budgets.body["budgets"].as_array().map(Vec::len), Some(2), "{budgets:?}");
        assert!(signal(Signal::TERM, demo.id().expect("it runs")), "it runs");
        assert!(demo.wait().await.expect("it ends").success());
    }
}
