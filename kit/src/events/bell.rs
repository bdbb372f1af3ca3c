//! Wakes the readers in this process after a commit; others find out by polling.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct Bell(Arc<watch::Sender<u64>>);

impl Default for Bell {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Bell {
    /// Call it after a commit.
    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub fn listen(&self) -> Listener {
        Listener { rings: self.0.subscribe() }
    }
}

/// One listener; a ring between two waits is not lost.
#[derive(Debug)]
pub struct Listener {
    rings: watch::Receiver<u64>,
}

impl Listener {
    /// Returns when the bell has rung since the last call, at the latest after `patience`.
    pub async fn wait(&mut self, patience: Duration) {
        // An elapsed wait and a dropped bell both mean: look again.
        let _look_again = tokio::time::timeout(patience, self.rings.changed()).await;
    }
}
