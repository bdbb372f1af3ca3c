//! One writer: its queue, its connection, and its failure handling.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::{is_out_of_range, is_transient, violated_constraint};
use kit_service::module::ServiceDependencies;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{self, CommitMarker, Responses, StagedBatch};
use super::request::Submission;
use crate::domain::posting::{Command, Rejection};
use crate::error::{Error, deadline_passed, outcome_unknown};

/// The time to connect to the database before it counts as unreachable.
///
/// An unresponsive network must not block a writer's households for longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const BEGIN_TIMEOUT: Duration = Duration::from_secs(3);
const WRITE_TIMEOUT: Duration = Duration::from_secs(40);
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a batch waits for a row that another transaction has locked.
const LOCK_TIMEOUT: &str = "2s";
/// The time to wait for the writer of the same households in another process.
const FAIRNESS_LOCK_TIMEOUT: &str = "100ms";
/// The session settings of a writer.
const SESSION_OPTIONS: [(&str, &str); 5] = [
    ("lock_timeout", LOCK_TIMEOUT),
    // All of a batch's statements look rows up by key. On a small table, or with a plan
    // cached when the table was small, the planner would choose to scan it.
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // The plan then does not depend on the parameters, so it is made once.
    ("plan_cache_mode", "force_generic_plan"),
];

/// The maximum number of commands in a batch, unless a single request has more.
const MAX_BATCH_COMMANDS: usize = 128;
/// The maximum number of submissions that a writer takes from its queue.
const MAX_WAITING_COMMANDS: usize = 4096;
/// The maximum number of attempts after lost connections and deadlocks.
const MAX_ATTEMPTS: u32 = 3;
/// The time for which a writer checks the outcome of a commit.
const COMMIT_OUTCOME_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// The maximum number of cached ids of nominal accounts.
const NOMINAL_ACCOUNT_CACHE_CAPACITY: usize = 100_000;

pub(super) struct Writer {
    number: usize,
    /// The SQL that begins a transaction and acquires the fairness lock.
    fairness_lock_sql: String,
    clock: Clock,
    random: Random,
    event_log_signal: WakeSignal,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// Whether the connection has an open transaction for the next batch.
    in_transaction: bool,
    queue: mpsc::Receiver<Submission>,
    pub(super) waiting: VecDeque<Submission>,
    /// Nominal accounts that are known to exist.
    nominal_accounts: HashSet<Uuid>,
}

/// The failure of an attempt to post a batch.
enum Failure {
    /// A statement was rejected because of one of the commands.
    Rejected(Error),
    /// The connection was lost, or the database requests a retry.
    Lost(Error),
    /// The batch may or may not have been committed.
    Unknown,
}

/// The outcome of a transaction whose commit got no response.
enum CommitOutcome {
    Committed,
    Aborted,
    Unknown,
}

impl Writer {
    pub fn new(
        number: usize,
        writers: usize,
        deps: &ServiceDependencies,
        queue: mpsc::Receiver<Submission>,
    ) -> Self {
        let fairness_lock_sql = format!(
            "begin; set local lock_timeout = '{FAIRNESS_LOCK_TIMEOUT}';
             select pg_advisory_xact_lock(hashtext('ledger writer {number} of {writers}'));
             set local lock_timeout = '{LOCK_TIMEOUT}'"
        );
        Self {
            number,
            fairness_lock_sql,
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            event_log_signal: deps.event_log_signal.clone(),
            options: PgConnectOptions::clone(&deps.pool.connect_options()).options(SESSION_OPTIONS),
            connection: None,
            in_transaction: false,
            queue,
            waiting: VecDeque::new(),
            nominal_accounts: HashSet::new(),
        }
    }

    /// Processes requests until shutdown, then those that are still queued.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            if self.waiting.is_empty() {
                tokio::select! {
                    biased;
                    first = self.queue.recv() => match first {
                        Some(first) => self.waiting.push_back(first),
                        None => break,
                    },
                    () = shutdown.cancelled() => self.queue.close(),
                }
            }
            self.acquire_fairness_lock().await;
            // Drain the queue: waiting duplicates must not hide other commands.
            while self.waiting.len() < MAX_WAITING_COMMANDS
                && let Ok(next) = self.queue.try_recv()
            {
                self.waiting.push_back(next);
            }
            let batch = self.collect_batch();
            if batch.is_empty() {
                self.release_fairness_lock().await;
            } else {
                metrics::histogram!("fintrac_ledger_batch_commands")
                    .record(metric_value(command_count(&batch)));
                self.process(batch).await;
            }
        }
        if let Some(connection) = self.connection {
            let _closing_failed = connection.close().await;
        }
    }

    /// Begins a transaction while no other process writes for the same households.
    ///
    /// Commands submitted meanwhile collect in one batch, whereas two processes with
    /// small batches would wait for each other's rows. The lock is an optimization:
    /// rows are locked anyway, so a writer that does not get it continues without.
    async fn acquire_fairness_lock(&mut self) {
        let locking = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let begun =
                sqlx::raw_sql(AssertSqlSafe(&*self.fairness_lock_sql)).execute(&mut connection).await.is_ok();
            if !begun {
                rollback(&mut connection).await?;
            }
            Ok::<_, sqlx::Error>((connection, begun))
        };
        // Drop a connection that does not respond; the next batch reports the error.
        if let Ok(Ok((connection, begun))) = tokio::time::timeout(BEGIN_TIMEOUT, locking).await {
            self.connection = Some(connection);
            self.in_transaction = begun;
        }
    }

    async fn release_fairness_lock(&mut self) {
        if !std::mem::take(&mut self.in_transaction) {
            return;
        }
        if let Some(mut connection) = self.connection.take()
            && let Ok(Ok(())) = tokio::time::timeout(COMMIT_TIMEOUT, rollback(&mut connection)).await
        {
            self.connection = Some(connection);
        }
    }

    /// Collects the next batch from the waiting submissions.
    ///
    /// A second command with the same idempotency key, or on the same row, waits for
    /// the following batch, where it reads the effects of the first.
    pub(super) fn collect_batch(&mut self) -> Vec<Submission> {
        let now = Instant::now();
        let (mut keys, mut rows) = (HashSet::new(), HashSet::new());
        let (mut batch, mut later, mut taken) = (Vec::new(), VecDeque::new(), 0);
        for submission in self.waiting.drain(..) {
            if submission.deadline.is_some_and(|deadline| deadline <= now) || submission.response.is_closed()
            {
                let _receiver_gone = submission.response.send(Err(deadline_passed()));
                continue;
            }
            let scope = submission.ctx.key.as_ref().map(|key| {
                let (household, user, operation, key) = key.scope();
                (household, user, operation.to_owned(), key.to_owned())
            });
            let commands = submission.commands.as_slice();
            let changed: Vec<_> = commands.iter().filter_map(Command::changed_row).collect();
            let is_duplicate = scope.as_ref().is_some_and(|scope| keys.contains(scope))
                || changed.iter().any(|row| rows.contains(row));
            let is_full = taken > 0 && taken + commands.len() > MAX_BATCH_COMMANDS;
            // Later submissions with the same key or row must come after this one.
            keys.extend(scope);
            rows.extend(changed);
            if is_duplicate || is_full {
                later.push_back(submission);
            } else {
                taken += commands.len();
                batch.push(submission);
            }
        }
        self.waiting = later;
        batch
    }

    /// Posts a batch and responds to every submission in it.
    ///
    /// A batch that the database rejects is halved until the failing command is alone.
    pub(super) async fn process(&mut self, batch: Vec<Submission>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            match self.attempt_with_retries(&batch).await {
                Ok(responses) => respond(batch, responses),
                Err(Failure::Unknown) => reject_all(batch, &outcome_unknown()),
                Err(Failure::Lost(error)) => reject_all(batch, &error),
                Err(Failure::Rejected(error)) if batch.len() <= 1 => reject_all(batch, &error),
                Err(Failure::Rejected(error)) => {
                    tracing::warn!(writer = self.number, commands = command_count(&batch), %error, "batch rejected, halves are posted separately");
                    metrics::counter!("fintrac_ledger_batch_fallbacks").increment(1);
                    let second = batch.split_off(batch.len() / 2);
                    // The first half first: commands keep their order.
                    batches.extend([second, batch]);
                }
            }
        }
    }

    /// Attempts a batch; retries after lost connections and deadlocks.
    async fn attempt_with_retries(&mut self, batch: &[Submission]) -> Result<Responses, Failure> {
        let mut attempts = 1;
        loop {
            match self.attempt(batch).await {
                Err(Failure::Lost(error)) if attempts < MAX_ATTEMPTS => {
                    tracing::warn!(writer = self.number, %error, "batch failed, retrying");
                    attempts += 1;
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                result => return result,
            }
        }
    }

    async fn attempt(&mut self, batch: &[Submission]) -> Result<Responses, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| Failure::Lost(error.into()))?,
        };
        let begun = std::mem::take(&mut self.in_transaction);
        let staged = {
            let writing = async {
                if !begun {
                    sqlx::raw_sql("begin").execute(&mut connection).await?;
                }
                batch::stage(&mut connection, batch, &self.nominal_accounts, &self.clock, &self.random).await
            };
            let unwind_safe = AssertUnwindSafe(writing).catch_unwind();
            // A connection that does not respond is dropped, which aborts its transaction.
            tokio::time::timeout(WRITE_TIMEOUT, unwind_safe)
                .await
                .map_err(|_| Failure::Lost(timed_out().into()))?
        };
        let staged = match staged {
            Ok(Ok(staged)) => staged,
            Ok(Err(error)) => {
                // A connection that cannot roll back is not reused.
                let rolled_back = tokio::time::timeout(COMMIT_TIMEOUT, rollback(&mut connection));
                if !is_connection_lost(&error) && matches!(rolled_back.await, Ok(Ok(()))) {
                    self.connection = Some(connection);
                }
                return Err(classify_failure(error));
            }
            Err(_panic) => return Err(Failure::Rejected(Error::Internal("posting panicked".into()))),
        };
        let end = if staged.changed { "commit" } else { "rollback" };
        let ended = tokio::time::timeout(COMMIT_TIMEOUT, sqlx::raw_sql(end).execute(&mut connection));
        match ended.await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(_) => self.connection = Some(connection),
            Err(error) => {
                let error = Error::from(error);
                if !is_connection_lost(&error) {
                    return Err(classify_failure(error));
                }
                tracing::warn!(writer = self.number, %error, "commit response lost");
                drop(connection);
                match self.commit_outcome(staged.commit_marker.as_ref()).await {
                    CommitOutcome::Committed => {}
                    CommitOutcome::Aborted => return Err(Failure::Lost(error)),
                    CommitOutcome::Unknown => return Err(Failure::Unknown),
                }
            }
        }
        self.cache_nominal_accounts(&staged);
        self.event_log_signal.wake();
        Ok(staged.responses)
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect())
            .await
            .unwrap_or_else(|_| Err(timed_out()))
    }

    /// Determines the outcome of a transaction on new connections.
    async fn commit_outcome(&self, marker: Option<&CommitMarker>) -> CommitOutcome {
        // Without changes the batch can be repeated safely.
        let Some(marker) = marker else { return CommitOutcome::Aborted };
        let checking = async {
            loop {
                if let Ok(mut connection) = self.connect().await {
                    match batch::is_committed(&mut connection, marker).await {
                        Ok(Some(true)) => return CommitOutcome::Committed,
                        Ok(Some(false)) => return CommitOutcome::Aborted,
                        Ok(None) | Err(_) => {}
                    }
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        };
        tokio::time::timeout(COMMIT_OUTCOME_TIMEOUT, checking).await.unwrap_or(CommitOutcome::Unknown)
    }

    fn cache_nominal_accounts(&mut self, staged: &StagedBatch) {
        if self.nominal_accounts.len() > NOMINAL_ACCOUNT_CACHE_CAPACITY {
            self.nominal_accounts.clear();
        }
        self.nominal_accounts.extend(&staged.nominal_accounts);
    }
}

fn respond(batch: Vec<Submission>, responses: Responses) {
    for (submission, response) in batch.into_iter().zip(responses) {
        let _receiver_gone = submission.response.send(response);
    }
}

fn reject_all(batch: Vec<Submission>, error: &Error) {
    for submission in batch {
        let _receiver_gone = submission.response.send(Err(error.clone()));
    }
}

async fn rollback(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("rollback").execute(connection).await.map(|_| ())
}

/// Returns the error of a connection that does not respond.
fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Returns whether the connection is unusable after this error.
fn is_connection_lost(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match &**error {
        // FATAL and PANIC end the session.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => false,
        _ => true,
    }
}

fn classify_failure(error: Error) -> Failure {
    let Error::Database(database) = &error else { return Failure::Rejected(error) };
    // A daily total overflowed, which planning does not read.
    if is_out_of_range(database) {
        return Failure::Rejected(Rejection::OutOfRange.into());
    }
    if violated_constraint(database) == Some("accounts_household_id_name_key") {
        return Failure::Rejected(Rejection::name_taken().into());
    }
    // A lock timeout or a canceled statement is caused by one command, not by the whole batch.
    let code = database.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let held = matches!(code.as_deref(), Some("55P03" | "57014"));
    if is_transient(database) && !held { Failure::Lost(error) } else { Failure::Rejected(error) }
}

fn command_count(batch: &[Submission]) -> usize {
    batch.iter().map(|submission| submission.commands.as_slice().len()).sum()
}

/// Converts a count to a metric value.
fn metric_value(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
