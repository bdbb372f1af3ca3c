//! Group commit: a writer posts all queued commands in one database transaction.
//!
//! While a batch commits, the next one collects in the queue. Invariants: a
//! household always has the same writer, so the writers of a process never touch
//! the same rows; a caller gets a success only after the commit; a command that
//! the database rejects does not affect other commands. `domain::posting` decides
//! the effects of commands.

mod batch;
mod columns;
mod request;
#[cfg(test)]
mod tests;
mod writer;

use kit_core::context;
use kit_rpc::transport::affinity;
use kit_service::module::{ServiceDependencies, ServiceModule};
use kit_service::use_case::WriteContext;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::domain::posting::Outcome;
use crate::error::{Error, outcome_unknown, queue_full};
pub use request::CommandSet;
use request::Submission;
use writer::Writer;

/// The maximum number of requests that wait for one writer.
const QUEUE_CAPACITY: usize = 4096;

/// The queues of all writers.
#[derive(Debug)]
pub struct PostingQueue {
    writers: Vec<mpsc::Sender<Submission>>,
}

impl PostingQueue {
    /// Starts `writers` writers as background tasks of `module`.
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

    /// Submits commands to the writer of their household; returns after the commit.
    pub async fn post(
        &self,
        commands: impl Into<CommandSet>,
        ctx: WriteContext<Outcome>,
    ) -> Result<Outcome, Error> {
        let commands = commands.into();
        let (response, receiver) = oneshot::channel();
        let deadline = context::current().and_then(|context| context.deadline);
        let Some(command) = commands.as_slice().first() else {
            return Err(Error::Internal("a posting request must have a command".into()));
        };
        let writer = self.writer(command.household.id);
        writer.try_send(Submission { commands, ctx, deadline, response }).map_err(|_| queue_full())?;
        receiver.await.unwrap_or_else(|_| Err(outcome_unknown()))
    }

    fn writer(&self, household_id: Uuid) -> &mpsc::Sender<Submission> {
        // The same hash selects replicas: with as many replicas as writers, each writer is
        // busy in only one of them.
        let writers = u64::try_from(self.writers.len()).unwrap_or(1);
        let number = usize::try_from(affinity(household_id) % writers).unwrap_or_default();
        &self.writers[number]
    }
}
