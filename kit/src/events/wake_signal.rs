//! Wakes the readers in this process after a commit; others find out by polling.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct WakeSignal(Arc<watch::Sender<u64>>);

impl Default for WakeSignal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl WakeSignal {
    /// Call it after a commit.
    pub fn wake(&self) {
        self.0.send_modify(|generation| *generation = generation.wrapping_add(1));
    }

    pub fn subscribe(&self) -> WakeSubscription {
        WakeSubscription { generation: self.0.subscribe() }
    }
}

/// One listener; a ring between two waits is not lost.
#[derive(Debug)]
pub struct WakeSubscription {
    generation: watch::Receiver<u64>,
}

impl WakeSubscription {
    /// Returns when the bell has rung since the last call, at the latest after `timeout`.
    pub async fn wait(&mut self, timeout: Duration) {
        // An elapsed wait and a dropped wake_signal both mean: look again.
        let _look_again = tokio::time::timeout(timeout, self.generation.changed()).await;
    }
}
