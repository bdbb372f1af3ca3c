//! Tells every verifier which keys sign and which sessions have ended.
//!
//! Each replica reads the tables four times a second, so what another replica
//! wrote is known here too, and at once after a change of its own. The read
//! looks back further than any transaction lasts: a set needs no order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_kit::access::trust::Trust;
use fintrac_kit::clock::Clock;
use fintrac_kit::database;
use fintrac_kit::module::Deps;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::{revocations, signing_keys};

const INTERVAL: Duration = Duration::from_millis(250);
/// Older than this, what was read is no news.
const STALE: Duration = Duration::from_secs(1);
/// Longer than any transaction may take to commit.
const LOOK_BACK: TimeDelta = TimeDelta::minutes(2);
/// Updates that a slow subscriber may lag behind before it gets a snapshot.
const BACKLOG: usize = 64;

type Keys = Vec<(String, [u8; 32])>;
type Revoked = HashMap<Uuid, DateTime<Utc>>;

/// What has changed; nothing at all is the heartbeat.
#[derive(Debug, Clone, Default)]
pub struct TrustUpdate {
    /// All keys, when they changed.
    pub keys: Keys,
    pub revoked: Vec<(Uuid, DateTime<Utc>)>,
}

#[derive(Debug)]
pub struct Publisher {
    pool: PgPool,
    clock: Clock,
    trust: Arc<Trust>,
    now: Notify,
    state: Mutex<State>,
    updates: broadcast::Sender<TrustUpdate>,
}

#[derive(Debug, Default)]
struct State {
    keys: Keys,
    revoked: Revoked,
    /// When the tables were last read: by the suite's clock, and by a steady one.
    read_at: Option<(DateTime<Utc>, Instant)>,
}

impl Publisher {
    pub fn new(deps: &Deps) -> Self {
        Self {
            pool: database::beside(&deps.pool),
            clock: deps.clock.clone(),
            trust: Arc::clone(&deps.trust),
            now: Notify::new(),
            state: Mutex::default(),
            updates: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Reads at once instead of at the next beat: call it after a commit.
    pub fn look_now(&self) {
        self.now.notify_one();
    }

    /// Updates from now on, and then the state they build on: subscribed
    /// first, so that nothing falls between. `None` while the tables cannot be
    /// read: a verifier must not take an old state for news.
    pub fn subscribe(&self) -> Option<(TrustUpdate, broadcast::Receiver<TrustUpdate>)> {
        let updates = self.updates.subscribe();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let revoked = state.revoked.iter().map(|(id, forget_at)| (*id, *forget_at)).collect();
        let fresh = state.read_at.is_some_and(|(_, at)| at.elapsed() < STALE);
        fresh.then(|| (TrustUpdate { keys: state.keys.clone(), revoked }, updates))
    }

    /// Reads and publishes until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match tokio::time::timeout(INTERVAL * 8, self.read()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(error = %error, "revocations could not be read"),
                Err(_elapsed) => tracing::warn!("reading revocations takes too long"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.now.notified() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// A failed read publishes nothing: verifiers notice the silence.
    async fn read(&self) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let last = self.state.lock().unwrap_or_else(PoisonError::into_inner).read_at;
        let since = last.map_or(DateTime::UNIX_EPOCH, |(read_at, _)| read_at - LOOK_BACK);
        let mut connection = self.pool.acquire().await?;
        let revoked = revocations::since(&mut connection, since, now).await?;
        let keys = signing_keys::list(&mut connection).await?;
        drop(connection);
        let keys: Keys =
            keys.into_iter().filter_map(|key| Some((key.kid, key.public_key.try_into().ok()?))).collect();
        self.publish(keys, revoked, now);
        Ok(())
    }

    fn publish(&self, keys: Keys, revoked: Vec<(Uuid, DateTime<Utc>)>, now: DateTime<Utc>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<_> = revoked.into_iter().filter(|(id, _)| !state.revoked.contains_key(id)).collect();
        let new_keys = if state.keys == keys { Vec::new() } else { keys.clone() };
        state.revoked.extend(new.iter().copied());
        state.revoked.retain(|_, forget_at| *forget_at > now);
        state.keys = keys;
        state.read_at = Some((now, Instant::now()));
        let update = TrustUpdate { keys: new_keys, revoked: new };
        self.trust.extend(&update.keys, update.revoked.iter().copied());
        // Nobody listening is fine.
        let _listeners = self.updates.send(update);
    }
}
