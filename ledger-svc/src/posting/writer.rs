//! One writer: its queue, its connection, and what it does when things fail.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fintrac_kit::clock::Clock;
use fintrac_kit::database::{is_out_of_range, is_transient, violated_constraint};
use fintrac_kit::events::WakeSignal;
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::random::Random;
use futures::FutureExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{self, CommitMarker, StagedBatch};
use super::{PostingResponse, Submission};
use crate::domain::posting::{Command, Rejection};
use crate::error::Error;

/// How long the way to the database may take before it counts as lost: a
/// silent network must not hold a writer's households for longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const BEGIN_TIMEOUT: Duration = Duration::from_secs(3);
const WRITE_TIMEOUT: Duration = Duration::from_secs(40);
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a batch waits for a row that somebody else holds.
const LOCK_TIMEOUT: &str = "2s";
/// How long a writer waits for the writer of the same households in another process.
const FAIRNESS_LOCK_TIMEOUT: &str = "100ms";
/// How a writer's session differs from others.
const SESSION_OPTIONS: [(&str, &str); 5] = [
    ("lock_timeout", LOCK_TIMEOUT),
    // All of a batch's statements look rows up by key. On a young table, or with
    // a plan kept from when it was one, the planner would rather read it whole.
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // So the plan does not depend on what is looked up: it is made once.
    ("plan_cache_mode", "force_generic_plan"),
];

/// Most commands in one database transaction, unless a single request has more.
const MAX_BATCH_COMMANDS: usize = 128;
/// Most commands that a writer looks at.
const MAX_WAITING: usize = 4096;
/// How often a batch that lost its connection or a deadlock is tried.
const MAX_ATTEMPTS: u32 = 3;
/// How long a writer asks for the fate of a commit.
const COMMIT_OUTCOME_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// Nominal accounts remembered as made.
const NOMINAL_ACCOUNT_CACHE_CAPACITY: usize = 100_000;

pub(super) struct Writer {
    number: usize,
    /// Begins a transaction of its own turn.
    fairness_lock_sql: String,
    clock: Clock,
    random: Random,
    wake_signal: WakeSignal,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// Whether the connection is in a transaction that waits for a batch.
    in_transaction: bool,
    queue: mpsc::Receiver<Submission>,
    pub(super) waiting: VecDeque<Submission>,
    /// Nominal accounts that are surely there.
    nominal_accounts: HashSet<Uuid>,
}

/// How an attempt at a batch ended without success.
enum Failure {
    /// A statement was rejected; some command is guilty.
    Rejected(Error),
    /// The database could not be asked, or asked for another try.
    Lost(Error),
    /// Nobody knows whether it was committed.
    Unknown,
}

/// What became of a transaction whose commit got no answer.
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
            wake_signal: deps.wake_signal.clone(),
            options: PgConnectOptions::clone(&deps.pool.connect_options()).options(SESSION_OPTIONS),
            connection: None,
            in_transaction: false,
            queue,
            waiting: VecDeque::new(),
            nominal_accounts: HashSet::new(),
        }
    }

    /// Works until told to stop, then through what still waits.
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
            // Everything: duplicates that wait must not keep others from being seen.
            while self.waiting.len() < MAX_WAITING
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

    /// Begins a transaction while no process writes for the same households:
    /// what is submitted meanwhile gathers in one batch, where two processes that
    /// write small ones would wait for each other's rows. This is a courtesy:
    /// rows are locked all the same, so who gets no turn goes on without.
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
        // One that cannot be asked is dropped; the batch sees what is wrong.
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

    /// The next batch. A second command with the same key or of a change of the
    /// same row waits for the next one, where it finds what the first did.
    pub(super) fn collect_batch(&mut self) -> Vec<Submission> {
        let now = Instant::now();
        let (mut keys, mut rows) = (HashSet::new(), HashSet::new());
        let (mut batch, mut later, mut taken) = (Vec::new(), VecDeque::new(), 0);
        for submission in self.waiting.drain(..) {
            if submission.deadline.is_some_and(|deadline| deadline <= now) || submission.response.is_closed()
            {
                let _receiver_gone = submission.response.send(Err(Error::Expired));
                continue;
            }
            let request = &submission.request;
            let scope = request.key.as_ref().map(|key| {
                let (household, user, operation, key) = key.scope();
                (household, user, operation.to_owned(), key.to_owned())
            });
            let commands = request.commands.as_slice();
            let changed: Vec<_> = commands.iter().filter_map(Command::changed_row).collect();
            let is_duplicate = scope.as_ref().is_some_and(|scope| keys.contains(scope))
                || changed.iter().any(|row| rows.contains(row));
            let is_full = taken > 0 && taken + commands.len() > MAX_BATCH_COMMANDS;
            if is_duplicate || is_full {
                // Who wants the same comes after this one.
                keys.extend(scope);
                rows.extend(changed);
                later.push_back(submission);
                continue;
            }
            keys.extend(scope);
            rows.extend(changed);
            taken += commands.len();
            batch.push(submission);
        }
        self.waiting = later;
        batch
    }

    /// Carries a batch out and answers everybody in it. One that a statement
    /// refuses is halved until the guilty command is alone.
    pub(super) async fn process(&mut self, batch: Vec<Submission>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            match self.attempt_with_retries(&batch).await {
                Ok(responses) => respond(batch, responses),
                Err(Failure::Unknown) => reject_all(batch, &Error::OutcomeUnknown),
                Err(Failure::Lost(error)) => reject_all(batch, &error),
                Err(Failure::Rejected(error)) if batch.len() <= 1 => reject_all(batch, &error),
                Err(Failure::Rejected(error)) => {
                    tracing::warn!(writer = self.number, commands = command_count(&batch), %error, "batch falls back");
                    metrics::counter!("fintrac_ledger_batch_fallbacks").increment(1);
                    let second = batch.split_off(batch.len() / 2);
                    // The first half first: commands keep their order.
                    batches.extend([second, batch]);
                }
            }
        }
    }

    /// Tries again what another try may mend.
    async fn attempt_with_retries(
        &mut self,
        batch: &[Submission],
    ) -> Result<Vec<Result<PostingResponse, Error>>, Failure> {
        let mut attempts = 1;
        loop {
            match self.attempt(batch).await {
                Err(Failure::Lost(error)) if attempts < MAX_ATTEMPTS => {
                    tracing::warn!(writer = self.number, %error, "batch is tried again");
                    attempts += 1;
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                result => return result,
            }
        }
    }

    async fn attempt(
        &mut self,
        batch: &[Submission],
    ) -> Result<Vec<Result<PostingResponse, Error>>, Failure> {
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
            // A connection that says nothing any more is dropped with what it was doing.
            tokio::time::timeout(WRITE_TIMEOUT, unwind_safe)
                .await
                .map_err(|_| Failure::Lost(timed_out().into()))?
        };
        let staged = match staged {
            Ok(Ok(staged)) => staged,
            Ok(Err(error)) => {
                // A connection that cannot roll back is not used again.
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
                tracing::warn!(writer = self.number, %error, "the answer of a commit was lost");
                drop(connection);
                match self.commit_outcome(staged.commit_marker.as_ref()).await {
                    CommitOutcome::Committed => {}
                    CommitOutcome::Aborted => return Err(Failure::Lost(error)),
                    CommitOutcome::Unknown => return Err(Failure::Unknown),
                }
            }
        }
        self.cache_nominal_accounts(&staged);
        self.wake_signal.wake();
        Ok(staged.responses)
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect())
            .await
            .unwrap_or_else(|_| Err(timed_out()))
    }

    /// Asks new connections what became of a transaction.
    async fn commit_outcome(&self, marker: Option<&CommitMarker>) -> CommitOutcome {
        // Without changes there is nothing to lose: doing it again is the same.
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

fn respond(batch: Vec<Submission>, responses: Vec<Result<PostingResponse, Error>>) {
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

/// The failure of a connection that says nothing any more.
fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Whether nothing more can be heard on the connection.
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
    // A total, which planning does not read.
    if is_out_of_range(database) {
        return Failure::Rejected(Rejection::OutOfRange.into());
    }
    if violated_constraint(database) == Some("accounts_household_id_name_key") {
        return Failure::Rejected(Rejection::name_taken().into());
    }
    // A row that somebody holds, or too long a statement: not everybody's fault.
    let code = database.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let held = matches!(code.as_deref(), Some("55P03" | "57014"));
    if is_transient(database) && !held { Failure::Lost(error) } else { Failure::Rejected(error) }
}

fn command_count(batch: &[Submission]) -> usize {
    batch.iter().map(|submission| submission.request.commands.as_slice().len()).sum()
}

/// A metric's form of a count.
fn metric_value(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
