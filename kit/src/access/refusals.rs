//! Refused permissions on their way to auth-svc, which keeps them as security
//! events. A full queue drops and counts: refusing must stay cheap.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::context::Client;

/// Refusals that may wait.
const WAITING: usize = 1024;
/// Refusals told at once.
const BATCH: usize = 100;

/// A call that was refused for want of a permission.
#[derive(Debug, Clone)]
pub struct RefusedCall {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub permission: &'static str,
    pub client: Client,
    pub request_id: String,
    pub refused_at: DateTime<Utc>,
}

#[derive(Debug)]
pub struct Refusals {
    sender: mpsc::Sender<RefusedCall>,
    receiver: Mutex<Option<mpsc::Receiver<RefusedCall>>>,
}

impl Default for Refusals {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Refusals {
    pub(super) fn push(&self, call: RefusedCall) {
        if self.sender.try_send(call).is_err() {
            metrics::counter!("fintrac_refusals_dropped_total").increment(1);
        }
    }

    /// The other end of the queue; the first who asks has it.
    pub fn take(&self) -> Option<RefusedCalls> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take().map(RefusedCalls)
    }
}

/// What waits to be told.
#[derive(Debug)]
pub struct RefusedCalls(mpsc::Receiver<RefusedCall>);

impl RefusedCalls {
    /// Those that wait, at least one.
    pub async fn next(&mut self) -> Vec<RefusedCall> {
        let mut calls = Vec::new();
        self.0.recv_many(&mut calls, BATCH).await;
        calls
    }
}
