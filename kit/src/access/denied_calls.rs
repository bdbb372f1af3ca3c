//! Refused permissions on their way to auth-svc, which keeps them as security
//! events. A full queue drops and counts: refusing must stay cheap.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::context::Client;

/// The number of denied calls that may wait in the queue.
const QUEUE_CAPACITY: usize = 1024;
/// The number of denied calls reported in one request.
const BATCH_SIZE: usize = 100;

/// A call that was refused for want of a permission.
#[derive(Debug, Clone)]
pub struct DeniedCall {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub permission: &'static str,
    pub client: Client,
    pub request_id: String,
    pub denied_at: DateTime<Utc>,
}

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

    /// The other end of the queue; the first who asks has it.
    pub fn take_receiver(&self) -> Option<DeniedCallReceiver> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take().map(DeniedCallReceiver)
    }
}

/// What waits to be told.
#[derive(Debug)]
pub struct DeniedCallReceiver(mpsc::Receiver<DeniedCall>);

impl DeniedCallReceiver {
    /// Those that wait, at least one.
    pub async fn next(&mut self) -> Vec<DeniedCall> {
        let mut calls = Vec::new();
        self.0.recv_many(&mut calls, BATCH_SIZE).await;
        calls
    }
}
