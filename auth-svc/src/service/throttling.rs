//! Counting attempts before they are made, so that many at once count too.

use std::time::Duration;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::{network_key, site_key};
use sqlx::PgConnection;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Identity;
use crate::domain::throttle::{Scope, decayed};
use crate::error::Error;
use crate::store::throttles::{self, Throttle};

/// Checks of one name at a time. An attempt counts as a failure until it turns out
/// right, so that a name with more of them under way would block its own owner;
/// two replicas together stay below what is free.
const MAX_CONCURRENT_CHECKS: usize = 2;

/// Who is being checked. Names share a few hundred queues, which costs them a moment.
#[derive(Debug)]
pub(super) struct CheckPermits([Semaphore; 256]);

impl Default for CheckPermits {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(MAX_CONCURRENT_CHECKS)))
    }
}

/// What came of asking for an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Go ahead; it counts as a failure until it is taken back.
    Allowed(AttemptRecord),
    /// Wait that long. Such an attempt does not count, or a stranger could keep
    /// the owner out for good.
    Blocked(Duration),
}

/// An attempt that was counted, and the count before it.
#[derive(Debug)]
pub(super) struct AttemptRecord {
    key: [u8; 32],
    before: Throttle,
    written: Throttle,
}

impl AttemptRecord {
    /// With this one.
    pub(super) fn failures(&self) -> i32 {
        self.written.failures
    }
}

impl Identity {
    pub(super) async fn attempt(&self, scope: Scope, name: &str) -> Result<Attempt, sqlx::Error> {
        let key = self.secrets.throttle_key(scope.name(), name);
        let mut transaction = self.pool.begin().await?;
        let before = throttles::lock(&mut transaction, &key).await?;
        // Read under the lock: an attempt that waited for it is the later one.
        let now = self.clock.now().max(before.updated_at);
        if let Ok(wait) = (before.blocked_until - now).to_std()
            && !wait.is_zero()
        {
            return Ok(Attempt::Blocked(wait));
        }
        let failures = decayed(before.failures, now - before.updated_at).saturating_add(1);
        let written = Throttle { failures, blocked_until: now + scope.delay(failures), updated_at: now };
        throttles::set(&mut transaction, &key, &written).await?;
        transaction.commit().await?;
        Ok(Attempt::Allowed(AttemptRecord { key, before, written }))
    }

    /// Counts an attempt by the network that it comes from, and by the site around it.
    pub(super) async fn attempt_from(
        &self,
        scope: Scope,
        origin: &RequestOrigin,
    ) -> Result<Vec<AttemptRecord>, Error> {
        let ip = origin.client.ip;
        let mut wanted = vec![(scope, network_key(ip))];
        wanted.extend(scope.site_scope().zip(site_key(ip)));
        let mut records = Vec::with_capacity(wanted.len());
        for (scope, name) in wanted {
            match self.attempt(scope, &name).await? {
                Attempt::Allowed(record) => records.push(record),
                Attempt::Blocked(wait) => return Err(Error::Throttled(wait)),
            }
        }
        Ok(records)
    }

    /// Takes back attempts that were no failures.
    pub(super) async fn refund_all(
        &self,
        connection: &mut PgConnection,
        records: &[AttemptRecord],
    ) -> Result<(), sqlx::Error> {
        for record in records {
            self.refund(connection, record).await?;
        }
        Ok(())
    }

    /// Waits until few enough of this name are being checked.
    pub(super) async fn acquire_check_permit(&self, scope: Scope, name: &str) -> Option<SemaphorePermit<'_>> {
        let [first, ..] = self.secrets.throttle_key(scope.name(), name);
        // Never closed.
        self.check_permits.0[usize::from(first)].acquire().await.ok()
    }

    /// Takes back an attempt that was no failure.
    pub(super) async fn refund(
        &self,
        connection: &mut PgConnection,
        record: &AttemptRecord,
    ) -> Result<(), sqlx::Error> {
        throttles::refund(connection, &record.key, &record.before, &record.written).await
    }

    /// Forgets all failures: the right one was here.
    pub(super) async fn reset(
        &self,
        connection: &mut PgConnection,
        record: &AttemptRecord,
    ) -> Result<(), sqlx::Error> {
        throttles::clear(connection, &record.key).await
    }

    /// The same by name.
    pub(super) async fn reset_scope(
        &self,
        connection: &mut PgConnection,
        scope: Scope,
        name: &str,
    ) -> Result<(), sqlx::Error> {
        throttles::clear(connection, &self.secrets.throttle_key(scope.name(), name)).await
    }
}
