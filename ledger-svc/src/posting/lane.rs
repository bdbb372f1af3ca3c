//! One writer: its queue, its connection, and what it does when things fail.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fintrac_kit::clock::Clock;
use fintrac_kit::database::{is_out_of_range, is_transient, violated};
use fintrac_kit::events::Bell;
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use futures::FutureExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{self, Proof, Written};
use super::{Answer, Submission};
use crate::domain::posting::{Command, Rejection};
use crate::error::Error;

/// How long the way to the database may take before it counts as lost: a
/// silent network must not hold a lane's households for longer.
const CONNECTING: Duration = Duration::from_secs(3);
const BEGINNING: Duration = Duration::from_secs(3);
const WRITING: Duration = Duration::from_secs(40);
const COMMITTING: Duration = Duration::from_secs(10);
/// How long a batch waits for a row that somebody else holds.
const LOCK: &str = "2s";
/// How long a lane waits for the lane of the same households in another process.
const TURN: &str = "100ms";
/// How a lane's session differs from others.
const SESSION: [(&str, &str); 5] = [
    ("lock_timeout", LOCK),
    // All of a batch's statements look rows up by key. On a young table, or with
    // a plan kept from when it was one, the planner would rather read it whole.
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // So the plan does not depend on what is looked up: it is made once.
    ("plan_cache_mode", "force_generic_plan"),
];

/// Most commands in one database transaction, unless a single request has more.
const BATCH: usize = 128;
/// Most commands that a lane looks at.
const WAITING: usize = 4096;
/// How often a batch that lost its connection or a deadlock is tried.
const TRIES: u32 = 3;
/// How long a lane asks for the fate of a commit.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// Nominal accounts remembered as made.
const REMEMBERED: usize = 100_000;

pub(super) struct Lane {
    number: usize,
    /// Begins a transaction of its own turn.
    turn: String,
    clock: Clock,
    random: Random,
    bell: Bell,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// Whether the connection is in a transaction that waits for a batch.
    begun: bool,
    queue: mpsc::Receiver<Submission>,
    pub(super) waiting: VecDeque<Submission>,
    /// Nominal accounts that are surely there.
    nominal: HashSet<Uuid>,
}

/// How an attempt at a batch ended without success.
enum Failure {
    /// A statement was refused; some command is guilty.
    Refused(Error),
    /// The database could not be asked, or asked for another try.
    Lost(Error),
    /// Nobody knows whether it was committed.
    Unknown,
}

/// What became of a transaction whose commit got no answer.
enum Fate {
    Committed,
    Aborted,
    Unknown,
}

impl Lane {
    pub fn new(number: usize, lanes: usize, deps: &Deps, queue: mpsc::Receiver<Submission>) -> Self {
        let turn = format!(
            "begin; set local lock_timeout = '{TURN}';
             select pg_advisory_xact_lock(hashtext('ledger lane {number} of {lanes}'));
             set local lock_timeout = '{LOCK}'"
        );
        Self {
            number,
            turn,
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            bell: deps.bell.clone(),
            options: PgConnectOptions::clone(&deps.pool.connect_options()).options(SESSION),
            connection: None,
            begun: false,
            queue,
            waiting: VecDeque::new(),
            nominal: HashSet::new(),
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
            self.take_turn().await;
            // Everything: twins that wait must not keep others from being seen.
            while self.waiting.len() < WAITING
                && let Ok(next) = self.queue.try_recv()
            {
                self.waiting.push_back(next);
            }
            let batch = self.gather();
            if batch.is_empty() {
                self.end_turn().await;
            } else {
                metrics::histogram!("fintrac_ledger_batch_commands").record(size(commands(&batch)));
                self.work(batch).await;
            }
        }
        if let Some(connection) = self.connection {
            let _gone_anyway = connection.close().await;
        }
    }

    /// Begins a transaction while no process writes for the same households:
    /// what is submitted meanwhile gathers in one batch, where two processes that
    /// write small ones would wait for each other's rows. This is a courtesy:
    /// rows are locked all the same, so who gets no turn goes on without.
    async fn take_turn(&mut self) {
        let taken = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let begun = sqlx::raw_sql(AssertSqlSafe(&*self.turn)).execute(&mut connection).await.is_ok();
            if !begun {
                rollback(&mut connection).await?;
            }
            Ok::<_, sqlx::Error>((connection, begun))
        };
        // One that cannot be asked is dropped; the batch sees what is wrong.
        if let Ok(Ok((connection, begun))) = tokio::time::timeout(BEGINNING, taken).await {
            self.connection = Some(connection);
            self.begun = begun;
        }
    }

    async fn end_turn(&mut self) {
        if !std::mem::take(&mut self.begun) {
            return;
        }
        if let Some(mut connection) = self.connection.take()
            && let Ok(Ok(())) = tokio::time::timeout(COMMITTING, rollback(&mut connection)).await
        {
            self.connection = Some(connection);
        }
    }

    /// The next batch. A second command with the same key or of a change of the
    /// same row waits for the next one, where it finds what the first did.
    pub(super) fn gather(&mut self) -> Vec<Submission> {
        let now = Instant::now();
        let (mut keys, mut rows) = (HashSet::new(), HashSet::new());
        let (mut batch, mut later, mut taken) = (Vec::new(), VecDeque::new(), 0);
        for submission in self.waiting.drain(..) {
            if submission.deadline.is_some_and(|deadline| deadline <= now) || submission.answer.is_closed() {
                let _nobody_waits = submission.answer.send(Err(Error::Expired));
                continue;
            }
            let request = &submission.request;
            let scope = request.key.as_ref().map(|key| {
                let (household, user, operation, key) = key.scope();
                (household, user, operation.to_owned(), key.to_owned())
            });
            let commands = request.work.commands();
            let changed: Vec<_> = commands.iter().filter_map(Command::changes_row).collect();
            let twin = scope.as_ref().is_some_and(|scope| keys.contains(scope))
                || changed.iter().any(|row| rows.contains(row));
            let full = taken > 0 && taken + commands.len() > BATCH;
            if twin || full {
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
    pub(super) async fn work(&mut self, batch: Vec<Submission>) {
        let mut parts = vec![batch];
        while let Some(mut batch) = parts.pop() {
            match self.attempt_with_patience(&batch).await {
                Ok(answers) => deliver(batch, answers),
                Err(Failure::Unknown) => refuse(batch, &Error::Unknown),
                Err(Failure::Lost(error)) => refuse(batch, &error),
                Err(Failure::Refused(error)) if batch.len() <= 1 => refuse(batch, &error),
                Err(Failure::Refused(error)) => {
                    tracing::warn!(lane = self.number, commands = commands(&batch), %error, "batch falls back");
                    metrics::counter!("fintrac_ledger_batch_fallbacks").increment(1);
                    let second = batch.split_off(batch.len() / 2);
                    // The first half first: commands keep their order.
                    parts.extend([second, batch]);
                }
            }
        }
    }

    /// Tries again what another try may mend.
    async fn attempt_with_patience(
        &mut self,
        batch: &[Submission],
    ) -> Result<Vec<Result<Answer, Error>>, Failure> {
        let mut tries = 1;
        loop {
            match self.attempt(batch).await {
                Err(Failure::Lost(error)) if tries < TRIES => {
                    tracing::warn!(lane = self.number, %error, "batch is tried again");
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    async fn attempt(&mut self, batch: &[Submission]) -> Result<Vec<Result<Answer, Error>>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| Failure::Lost(error.into()))?,
        };
        let begun = std::mem::take(&mut self.begun);
        let written = {
            let writing = async {
                if !begun {
                    sqlx::raw_sql("begin").execute(&mut connection).await?;
                }
                batch::write(&mut connection, batch, &self.nominal, &self.clock, &self.random).await
            };
            let guarded = AssertUnwindSafe(writing).catch_unwind();
            // A connection that says nothing any more is dropped with what it was doing.
            tokio::time::timeout(WRITING, guarded).await.map_err(|_| Failure::Lost(silent().into()))?
        };
        let written = match written {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => {
                // A connection that cannot roll back is not used again.
                let rolled_back = tokio::time::timeout(COMMITTING, rollback(&mut connection));
                if !is_broken(&error) && matches!(rolled_back.await, Ok(Ok(()))) {
                    self.connection = Some(connection);
                }
                return Err(refused_or_lost(error));
            }
            Err(_panic) => return Err(Failure::Refused(Error::Internal("posting panicked".into()))),
        };
        let end = if written.changed { "commit" } else { "rollback" };
        let ended = tokio::time::timeout(COMMITTING, sqlx::raw_sql(end).execute(&mut connection));
        match ended.await.unwrap_or_else(|_| Err(silent())) {
            Ok(_) => self.connection = Some(connection),
            Err(error) => {
                let error = Error::from(error);
                if !is_broken(&error) {
                    return Err(refused_or_lost(error));
                }
                tracing::warn!(lane = self.number, %error, "the answer of a commit was lost");
                drop(connection);
                match self.fate(written.proof.as_ref()).await {
                    Fate::Committed => {}
                    Fate::Aborted => return Err(Failure::Lost(error)),
                    Fate::Unknown => return Err(Failure::Unknown),
                }
            }
        }
        self.remember(&written);
        self.bell.ring();
        Ok(written.answers)
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        tokio::time::timeout(CONNECTING, self.options.connect()).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Asks new connections what became of a transaction.
    async fn fate(&self, proof: Option<&Proof>) -> Fate {
        // Without changes there is nothing to lose: doing it again is the same.
        let Some(proof) = proof else { return Fate::Aborted };
        let asked = async {
            loop {
                if let Ok(mut connection) = self.connect().await {
                    match batch::is_committed(&mut connection, proof).await {
                        Ok(Some(true)) => return Fate::Committed,
                        Ok(Some(false)) => return Fate::Aborted,
                        Ok(None) | Err(_) => {}
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Fate::Unknown)
    }

    fn remember(&mut self, written: &Written) {
        if self.nominal.len() > REMEMBERED {
            self.nominal.clear();
        }
        self.nominal.extend(&written.nominal);
    }
}

fn deliver(batch: Vec<Submission>, answers: Vec<Result<Answer, Error>>) {
    for (submission, answer) in batch.into_iter().zip(answers) {
        let _nobody_waits = submission.answer.send(answer);
    }
}

fn refuse(batch: Vec<Submission>, error: &Error) {
    for submission in batch {
        let _nobody_waits = submission.answer.send(Err(error.clone()));
    }
}

async fn rollback(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("rollback").execute(connection).await.map(|_| ())
}

/// The failure of a connection that says nothing any more.
fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Whether nothing more can be heard on the connection.
fn is_broken(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match &**error {
        // FATAL and PANIC end the session.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => false,
        _ => true,
    }
}

fn refused_or_lost(error: Error) -> Failure {
    let Error::Database(database) = &error else { return Failure::Refused(error) };
    // A total, which planning does not read.
    if is_out_of_range(database) {
        return Failure::Refused(Rejection::OutOfRange.into());
    }
    if violated(database) == Some("accounts_household_id_name_key") {
        return Failure::Refused(Rejection::name_taken().into());
    }
    // A row that somebody holds, or too long a statement: not everybody's fault.
    let code = database.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let held = matches!(code.as_deref(), Some("55P03" | "57014"));
    if is_transient(database) && !held { Failure::Lost(error) } else { Failure::Refused(error) }
}

fn commands(batch: &[Submission]) -> usize {
    batch.iter().map(|it| it.request.work.commands().len()).sum()
}

/// A metric's form of a count.
fn size(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
