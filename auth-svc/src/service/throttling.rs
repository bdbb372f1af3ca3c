//! Counts attempts before they are made, so that concurrent ones count as well.

use std::time::Duration;

use kit_access::caller::RequestOrigin;
use kit_access::{network_key, site_key};
use sqlx::PgConnection;
use tokio::sync::SemaphorePermit;

use super::IdentityUseCases;
use crate::domain::throttle::{Scope, decayed};
use crate::error::{Error, throttled};
use crate::store::throttles::{self, Throttle};

/// The outcome of an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The attempt may proceed; it counts as a failure until it is refunded.
    Allowed(CountedAttempt),
    /// The attempt must wait for this time.
    /// It is not counted, because attackers could otherwise lock the user out permanently.
    Blocked(Duration),
}

impl Attempt {
    /// Returns the attempt, or rejects the request if it must wait.
    pub(super) fn require_allowed(self) -> Result<CountedAttempt, Error> {
        match self {
            Self::Allowed(attempt) => Ok(attempt),
            Self::Blocked(wait) => Err(throttled(wait)),
        }
    }
}

/// An attempt that was counted, with the count before it.
#[derive(Debug)]
pub(super) struct CountedAttempt {
    key: [u8; 32],
    before: Throttle,
    written: Throttle,
}

impl CountedAttempt {
    /// Returns the number of failures, including this attempt.
    pub(super) fn failures(&self) -> i32 {
        self.written.failures
    }

    /// Refunds an attempt that was no failure.
    pub(super) async fn refund(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        throttles::refund(connection, &self.key, &self.before, &self.written).await
    }

    /// Deletes the count after a success.
    pub(super) async fn reset(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        throttles::clear(connection, &self.key).await
    }
}

/// Refunds attempts that were no failures.
pub(super) async fn refund_all(
    connection: &mut PgConnection,
    attempts: &[CountedAttempt],
) -> Result<(), sqlx::Error> {
    for attempt in attempts {
        attempt.refund(connection).await?;
    }
    Ok(())
}

impl IdentityUseCases {
    pub(super) async fn attempt(&self, scope: Scope, name: &str) -> Result<Attempt, sqlx::Error> {
        let key = self.secrets.throttle_key(scope.name(), name);
        let mut transaction = self.pool.begin().await?;
        let before = throttles::lock(&mut transaction, &key).await?;
        // Reads the clock under the lock: an attempt that waited for it is the later one.
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
        Ok(Attempt::Allowed(CountedAttempt { key, before, written }))
    }

    /// Counts an attempt by the network of the client and by the site around it.
    pub(super) async fn attempt_from(
        &self,
        scope: Scope,
        origin: &RequestOrigin,
    ) -> Result<Vec<CountedAttempt>, Error> {
        let ip = origin.client.ip;
        let mut attempts = vec![self.attempt(scope, &network_key(ip)).await?.require_allowed()?];
        if let Some((scope, site)) = scope.site_scope().zip(site_key(ip)) {
            attempts.push(self.attempt(scope, &site).await?.require_allowed()?);
        }
        Ok(attempts)
    }

    /// Waits until fewer than the maximum of checks of this name are running.
    pub(super) async fn acquire_check_permit(&self, scope: Scope, name: &str) -> Option<SemaphorePermit<'_>> {
        self.check_permits.acquire(&self.secrets.throttle_key(scope.name(), name)).await
    }

    /// Deletes the count of a name.
    pub(super) async fn reset_scope(
        &self,
        connection: &mut PgConnection,
        scope: Scope,
        name: &str,
    ) -> Result<(), sqlx::Error> {
        throttles::clear(connection, &self.secrets.throttle_key(scope.name(), name)).await
    }
}
