//! Starts notify-svc with a clock that the test moves.

use std::time::Duration;

use chrono::DateTime;
use fintrac_proto::notify::v1::audit_log_service_client::AuditLogServiceClient;
use fintrac_proto::notify::v1::live_event_service_client::LiveEventServiceClient;
use fintrac_proto::notify::v1::notification_service_client::NotificationServiceClient;
use fintrac_proto::notify::v1::report_service_client::ReportServiceClient;
use kit_core::clock::Clock;
use kit_core::config::Environment;
use kit_rpc::transport::Transport;
use kit_testing::smtp::SmtpServer;
use kit_testing::{TestDatabase, TestService, deps};
use mail_parser::{Message, MessageParser};
use notify_svc::{Config, SCHEMA};
use sqlx::{AssertSqlSafe, PgPool};

use crate::auth::Auth;
use crate::budget::Budget;
use crate::ledger::Ledger;

/// A replica of notify-svc.
pub struct Notify {
    pub pool: PgPool,
    pub clock: Clock,
    pub budget: Budget,
    pub ledger: Ledger,
    database: TestDatabase,
    service: TestService,
}

pub fn clock() -> Clock {
    Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"))
}

pub async fn start(auth: &Auth, settings: &[(&str, &str)]) -> Notify {
    let clock = clock();
    let database = TestDatabase::new(&[&SCHEMA], &clock).await;
    start_on(auth, &Budget::default(), &database, &clock, settings).await
}

/// Starts notify-svc with an SMTP server and a fake auth-svc.
pub async fn with_server() -> (SmtpServer, Auth, Notify) {
    let (smtp, auth) = (SmtpServer::start().await, Auth::new("en"));
    let notify = start(&auth, &[("SMTP_URL", &smtp.url())]).await;
    (smtp, auth, notify)
}

pub async fn start_on(
    auth: &Auth,
    budget: &Budget,
    database: &TestDatabase,
    clock: &Clock,
    settings: &[(&str, &str)],
) -> Notify {
    let values = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::from_values(values);
    let config = Config::from_environment(&environment);
    environment.check().expect("a usable configuration");
    let pool = database.pool(&SCHEMA, clock).await;
    let ledger = Ledger::default();
    let (to_auth, to_budget) = (auth.transport(clock), budget.transport(clock));
    let to_ledger = ledger.transport(clock);
    let module = notify_svc::build(&config, &deps(&pool, clock), to_auth, to_ledger, to_budget)
        .expect("notify-svc builds");
    let service = TestService::start(module, clock);
    let (database, budget) = (database.clone(), budget.clone());
    Notify { pool, clock: clock.clone(), budget, ledger, database, service }
}

impl Notify {
    /// Waits until the only email is in `state`, its job after `attempts` failures.
    pub async fn wait_for_email(&self, state: &str, attempts: i32) {
        let reached = async {
            loop {
                let row: Option<(String, i32, bool)> =
                    sqlx::query_as(
                        "select state, coalesce(attempts, 0), lease_id is null
                         from notify.emails left join notify.jobs on queue = 'emails' and key = emails.id::text",
                    )
                    .fetch_optional(&self.pool)
                    .await
                    .expect("query");
                if row.is_some_and(|row| row == (state.to_owned(), attempts, true)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the email reaches the state");
    }

    /// Waits until `events` budget events are processed.
    pub async fn wait_for_budget_events(&self, events: i64) {
        let reached = async {
            let sql = "select coalesce(max(position), 0) from notify.event_cursors where source = 'budget'";
            while sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.pool).await.expect("query") < events {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the events are processed");
    }

    /// Starts another replica on the same database.
    pub async fn replica(&self, auth: &Auth, settings: &[(&str, &str)]) -> Self {
        start_on(auth, &self.budget, &self.database, &self.clock, settings).await
    }

    /// Waits until the query returns `expected`.
    pub async fn wait_for_text(&self, sql: &str, expected: &str) {
        let reached = async {
            loop {
                let text = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_one(&self.pool);
                if text.await.expect("query") == expected {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect(sql);
    }

    pub fn reports(&self) -> ReportServiceClient<Transport> {
        ReportServiceClient::new(self.service.transport("gateway"))
    }

    pub fn live_events(&self) -> LiveEventServiceClient<Transport> {
        LiveEventServiceClient::new(self.service.transport("gateway"))
    }

    /// The number of emails queued so far, in any state.
    pub async fn email_count(&self) -> i64 {
        sqlx::query_scalar("select count(*) from notify.emails").fetch_one(&self.pool).await.expect("query")
    }

    pub fn audit_log(&self) -> AuditLogServiceClient<Transport> {
        AuditLogServiceClient::new(self.service.transport("gateway"))
    }

    pub fn inbox(&self) -> NotificationServiceClient<Transport> {
        NotificationServiceClient::new(self.service.transport("gateway"))
    }
}

pub fn parse(raw: &str) -> Message<'_> {
    MessageParser::new().parse(raw).expect("a message")
}
