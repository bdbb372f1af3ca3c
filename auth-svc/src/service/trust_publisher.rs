//! Publishes signing keys, ended sessions, permissions and IP rules to verifiers.
//!
//! Each replica reads the tables four times a second, and at once after it makes a change, so it
//! learns of changes by other replicas. Each read covers more time than any transaction lasts, so
//! no change is missed; the order of changes does not matter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kit_access::EnforcedIpRule;
use kit_access::token_verifier::{TokenVerifier, TrustUpdate};
use kit_core::clock::Clock;
use kit_service::module::ServiceDependencies;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::signing::Signer;
use crate::domain::role;
use crate::store::ip_rules::{self, IpRule};
use crate::store::{revocations, roles, signing_keys};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The age from which the state that was read is too old for a snapshot.
const MAX_STATE_AGE: Duration = Duration::from_secs(1);
/// The period that each read covers; longer than any transaction may last.
const LOOKBACK: TimeDelta = TimeDelta::minutes(2);
/// The number of updates that a slow subscriber may lag behind.
const CHANNEL_CAPACITY: usize = 64;

type Keys = Vec<(String, [u8; 32])>;
type RevokedSessions = HashMap<Uuid, DateTime<Utc>>;
type Roles = Vec<(String, Vec<String>)>;

#[derive(Debug)]
pub struct TrustPublisher {
    pool: PgPool,
    clock: Clock,
    token_verifier: Arc<TokenVerifier>,
    signer: Arc<Signer>,
    wake: Notify,
    state: Mutex<State>,
    updates: broadcast::Sender<TrustUpdate>,
}

#[derive(Debug, Default)]
struct State {
    keys: Keys,
    revoked: RevokedSessions,
    roles: Roles,
    ip_rules: Vec<EnforcedIpRule>,
    /// The time of the last read, by the wall clock and by the monotonic clock.
    read_at: Option<(DateTime<Utc>, Instant)>,
}

impl TrustPublisher {
    pub fn new(deps: &ServiceDependencies, signer: Arc<Signer>) -> Self {
        Self {
            pool: kit_db::dedicated_pool(&deps.pool),
            clock: deps.clock.clone(),
            token_verifier: Arc::clone(&deps.token_verifier),
            signer,
            wake: Notify::new(),
            state: Mutex::default(),
            updates: broadcast::Sender::new(CHANNEL_CAPACITY),
        }
    }

    /// Reads now instead of at the next interval; call it after a commit.
    pub fn refresh_now(&self) {
        self.wake.notify_one();
    }

    /// Returns the current state and the updates after it.
    /// It subscribes before it copies the state, so no update is lost. Returns `None` while the
    /// tables cannot be read, because a verifier must not treat an old state as current.
    pub fn subscribe(&self) -> Option<(TrustUpdate, broadcast::Receiver<TrustUpdate>)> {
        let updates = self.updates.subscribe();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let revoked = state.revoked.iter().map(|(id, expires_at)| (*id, *expires_at)).collect();
        let fresh = state.read_at.is_some_and(|(_, read_at)| read_at.elapsed() < MAX_STATE_AGE);
        let snapshot = TrustUpdate {
            keys: state.keys.clone(),
            revoked,
            roles: Some(state.roles.clone()),
            ip_rules: Some(state.ip_rules.clone()),
        };
        fresh.then_some((snapshot, updates))
    }

    /// Reads and publishes until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match tokio::time::timeout(POLL_INTERVAL * 8, self.read()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(error = %error, "revocations could not be read"),
                Err(_elapsed) => tracing::warn!("reading revocations takes too long"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Reads and publishes once.
    /// A failed read publishes nothing; verifiers notice the missing updates.
    async fn read(&self) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let last = self.state.lock().unwrap_or_else(PoisonError::into_inner).read_at;
        let since = last.map_or(DateTime::UNIX_EPOCH, |(read_at, _)| read_at - LOOKBACK);
        let mut connection = self.pool.acquire().await?;
        let revoked = revocations::list_since(&mut connection, since, now).await?;
        let keys = signing_keys::list(&mut connection).await?;
        let own = roles::list(&mut connection).await?;
        let rules = ip_rules::list_all(&mut connection).await?;
        drop(connection);
        self.signer.refresh(&keys);
        let keys: Keys =
            keys.into_iter().filter_map(|key| Some((key.kid, key.public_key.try_into().ok()?))).collect();
        let roles = role::built_in_roles().into_iter().chain(own);
        let roles = roles.map(|role| (role.name, role.permissions.into_iter().collect())).collect();
        let ip_rules = rules.iter().filter_map(IpRule::to_enforced).collect();
        self.publish(keys, revoked, roles, ip_rules, now);
        Ok(())
    }

    fn publish(
        &self,
        keys: Keys,
        revoked: Vec<(Uuid, DateTime<Utc>)>,
        roles: Roles,
        ip_rules: Vec<EnforcedIpRule>,
        now: DateTime<Utc>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = state.read_at.is_none();
        let new: Vec<_> = revoked.into_iter().filter(|(id, _)| !state.revoked.contains_key(id)).collect();
        let update = TrustUpdate {
            keys: if state.keys == keys { Vec::new() } else { keys.clone() },
            revoked: new,
            roles: (is_first || state.roles != roles).then(|| roles.clone()),
            ip_rules: (is_first || state.ip_rules != ip_rules).then(|| ip_rules.clone()),
        };
        state.revoked.extend(update.revoked.iter().copied());
        state.revoked.retain(|_, expires_at| *expires_at > now);
        state.keys = keys;
        state.roles = roles;
        state.ip_rules = ip_rules;
        state.read_at = Some((now, Instant::now()));
        self.token_verifier.apply_delta(update.clone());
        // Sending fails without subscribers, which is fine.
        let _receivers = self.updates.send(update);
    }
}
