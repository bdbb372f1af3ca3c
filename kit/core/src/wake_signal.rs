//! Wakes the readers in this process after a commit; other processes poll.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A signal that wakes its subscribers.
#[derive(Debug, Clone)]
pub struct WakeSignal(Arc<watch::Sender<u64>>);

impl Default for WakeSignal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl WakeSignal {
    /// Wakes the subscribers; call it after a commit.
    pub fn wake(&self) {
        self.0.send_modify(|generation| *generation = generation.wrapping_add(1));
    }

    /// Subscribes to the signal.
    pub fn subscribe(&self) -> WakeSubscription {
        WakeSubscription { generation: self.0.subscribe() }
    }
}

/// A subscription; a signal between two waits is not lost.
#[derive(Debug)]
pub struct WakeSubscription {
    generation: watch::Receiver<u64>,
}

impl WakeSubscription {
    /// Waits for a signal since the last call, at most until `timeout`.
    pub async fn wait(&mut self, timeout: Duration) {
        // After a timeout, or when the signal was dropped, the caller polls again.
        let _poll_again = tokio::time::timeout(timeout, self.generation.changed()).await;
    }
}
