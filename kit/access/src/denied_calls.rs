//! Queues denied calls for auth-svc, which stores them as security events.
//!
//! If the queue is full, a call is dropped and counted, so that a rejection never waits.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use kit_core::context::Client;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The maximum number of denied calls in the queue.
const QUEUE_CAPACITY: usize = 1024;
/// The maximum number of denied calls in one report.
const BATCH_SIZE: usize = 100;

/// A call that was rejected because the user lacks a permission.
#[derive(Debug, Clone)]
pub struct DeniedCall {
    /// Id of the user.
    pub user_id: Uuid,
    /// Id of the session.
    pub session_id: Uuid,
    /// Permission that the user lacks.
    pub permission: &'static str,
    /// The client that made the call.
    pub client: Client,
    /// Id of the request.
    pub request_id: String,
    /// Time of the rejection.
    pub denied_at: DateTime<Utc>,
}

/// The queue of denied calls that are not reported yet.
#[derive(Debug)]
pub struct DeniedCallQueue {
    sender: mpsc::Sender<DeniedCall>,
    receiver: Mutex<Option<mpsc::Receiver<DeniedCall>>>,
}

impl Default for DeniedCallQueue {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl DeniedCallQueue {
    pub(super) fn push(&self, call: DeniedCall) {
        if self.sender.try_send(call).is_err() {
            metrics::counter!("fintrac_denied_calls_dropped_total").increment(1);
        }
    }

    /// Takes the receiver of the queue; `None` if it was taken before.
    pub fn take_receiver(&self) -> Option<DeniedCallReceiver> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take().map(DeniedCallReceiver)
    }
}

/// The receiver of the queue of denied calls.
#[derive(Debug)]
pub struct DeniedCallReceiver(mpsc::Receiver<DeniedCall>);

impl DeniedCallReceiver {
    /// Waits for denied calls; returns at least one and at most 100.
    pub async fn next_batch(&mut self) -> Vec<DeniedCall> {
        let mut calls = Vec::new();
        self.0.recv_many(&mut calls, BATCH_SIZE).await;
        calls
    }
}
