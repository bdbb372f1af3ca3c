//! Group commit: callers put commands in a queue; a lane takes whatever waits
//! into one database transaction, and while that commits the next batch gathers.
//!
//! Invariants: a household always goes to the same lane, so lanes of one
//! process never touch the same rows; a caller hears of success only after the
//! commit; a command that the database refuses harms nobody else's.
//! What commands do is decided in `domain::posting`.

mod batch;
mod columns;
mod lane;
#[cfg(test)]
mod tests;

use fintrac_kit::access::caller::Origin;
use fintrac_kit::context;
use fintrac_kit::idempotency::{Kept, Key};
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::transport::affinity;
use lane::Lane;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::posting::{Command, Outcome};
use crate::error::Error;

/// Commands that may wait for a lane.
const QUEUE: usize = 4096;

/// Commands of one household with what travels along.
#[derive(Debug)]
pub struct Request {
    pub work: Work,
    /// The same key again gets the first answer.
    pub key: Option<Key>,
    pub origin: Origin,
    /// The answer as it is kept for the key.
    pub encode: fn(&Outcome) -> Vec<u8>,
}

/// What is to be done in one commit.
#[derive(Debug)]
pub enum Work {
    One(Box<Command>),
    /// All or none of them.
    Atomic(Vec<Command>),
    /// Each for itself.
    Partial(Vec<Command>),
}

impl Work {
    /// At least one, all of one household; no two change the same row.
    pub fn commands(&self) -> &[Command] {
        match self {
            Self::One(command) => std::slice::from_ref(command),
            Self::Atomic(commands) | Self::Partial(commands) => commands,
        }
    }
}

/// What a caller gets.
pub type Answer = Kept<Outcome>;

/// A request on its way through a lane.
#[derive(Debug)]
struct Submission {
    request: Request,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Answer, Error>>,
}

/// The way to the lanes.
#[derive(Debug)]
pub struct Posting {
    lanes: Vec<mpsc::Sender<Submission>>,
}

impl Posting {
    /// Starts `lanes` writers as workers of `module`.
    pub fn start(lanes: usize, deps: &Deps, module: &mut Module) -> Self {
        let lanes = lanes.max(1);
        let start = |number| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let lane = Lane::new(number, lanes, deps, receiver);
            module.add_worker(|shutdown| lane.run(shutdown));
            sender
        };
        Self { lanes: (0..lanes).map(start).collect() }
    }

    /// Carries a request out; returns after the commit.
    pub async fn post(&self, request: Request) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let deadline = context::current().and_then(|context| context.deadline);
        let Some(command) = request.work.commands().first() else {
            return Err(Error::Internal("there is nothing to post".into()));
        };
        let lane = self.lane(command.household.id);
        lane.try_send(Submission { request, deadline, answer }).map_err(|_| Error::Busy)?;
        answered.await.unwrap_or(Err(Error::Unknown))
    }

    fn lane(&self, household_id: Uuid) -> &mpsc::Sender<Submission> {
        // As replicas are chosen: with as many replicas as lanes each lane is busy in one of them.
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(1);
        let number = usize::try_from(affinity(household_id) % lanes).unwrap_or_default();
        &self.lanes[number]
    }
}
