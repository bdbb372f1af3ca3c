//! Group commit: callers put commands in a queue; a writer takes whatever waits
//! into one database transaction, and while that commits the next batch gathers.
//!
//! Invariants: a household always goes to the same writer, so writers of one
//! process never touch the same rows; a caller hears of success only after the
//! commit; a command that the database refuses harms nobody else's.
//! What commands do is decided in `domain::posting`.

mod batch;
mod columns;
#[cfg(test)]
mod tests;
mod writer;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::context;
use fintrac_kit::idempotency::{Key, Stored};
use fintrac_kit::module::{ServiceDependencies, ServiceModule};
use fintrac_kit::transport::affinity;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;
use writer::Writer;

use crate::domain::posting::{Command, Outcome};
use crate::error::Error;

/// Commands that may wait for a writer.
const QUEUE_CAPACITY: usize = 4096;

/// Commands of one household with what travels along.
#[derive(Debug)]
pub struct Request {
    pub commands: CommandSet,
    /// The same key again gets the first answer.
    pub key: Option<Key>,
    pub origin: RequestOrigin,
    /// The answer as it is kept for the key.
    pub encode: fn(&Outcome) -> Vec<u8>,
}

/// What is to be done in one commit.
#[derive(Debug)]
pub enum CommandSet {
    One(Box<Command>),
    /// All or none of them.
    Atomic(Vec<Command>),
    /// Each for itself.
    Partial(Vec<Command>),
}

impl CommandSet {
    /// At least one, all of one household; no two change the same row.
    pub fn as_slice(&self) -> &[Command] {
        match self {
            Self::One(command) => std::slice::from_ref(command),
            Self::Atomic(commands) | Self::Partial(commands) => commands,
        }
    }
}

/// What a caller gets.
pub type PostingResponse = Stored<Outcome>;

/// A request on its way through a writer.
#[derive(Debug)]
struct Submission {
    request: Request,
    deadline: Option<Instant>,
    response: oneshot::Sender<Result<PostingResponse, Error>>,
}

/// The way to the writers.
#[derive(Debug)]
pub struct PostingQueue {
    writers: Vec<mpsc::Sender<Submission>>,
}

impl PostingQueue {
    /// Starts `writers` writers as workers of `module`.
    pub fn start(writers: usize, deps: &ServiceDependencies, module: &mut ServiceModule) -> Self {
        let writers = writers.max(1);
        let start = |number| {
            let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
            let writer = Writer::new(number, writers, deps, receiver);
            module.add_background_task(|shutdown| writer.run(shutdown));
            sender
        };
        Self { writers: (0..writers).map(start).collect() }
    }

    /// Carries a request out; returns after the commit.
    pub async fn post(&self, request: Request) -> Result<PostingResponse, Error> {
        let (response, receiver) = oneshot::channel();
        let deadline = context::current().and_then(|context| context.deadline);
        let Some(command) = request.commands.as_slice().first() else {
            return Err(Error::Internal("there is nothing to post".into()));
        };
        let writer = self.writer(command.household.id);
        writer.try_send(Submission { request, deadline, response }).map_err(|_| Error::Overloaded)?;
        receiver.await.unwrap_or(Err(Error::OutcomeUnknown))
    }

    fn writer(&self, household_id: Uuid) -> &mpsc::Sender<Submission> {
        // As replicas are chosen: with as many replicas as writers each writer is busy in one of them.
        let writers = u64::try_from(self.writers.len()).unwrap_or(1);
        let number = usize::try_from(affinity(household_id) % writers).unwrap_or_default();
        &self.writers[number]
    }
}
