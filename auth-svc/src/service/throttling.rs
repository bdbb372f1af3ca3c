//! Counting attempts before they are made, so that many at once count too.

use std::net::IpAddr;
use std::time::Duration;

use super::Identity;
use crate::domain::throttle::{FORGOTTEN_AFTER, Scope};
use crate::store::throttles;

impl Identity {
    /// Counts an attempt. `Some` is how long the caller has to wait; such an
    /// attempt does not count, or a stranger could keep the owner out for good.
    pub(super) async fn attempt(&self, scope: Scope, of: &str) -> Result<Option<Duration>, sqlx::Error> {
        let (key, now) = (self.secrets.throttle_key(scope.name(), of), self.clock.now());
        let mut transaction = self.pool.begin().await?;
        let throttle = throttles::lock(&mut transaction, &key, now).await?;
        if let Ok(wait) = (throttle.blocked_until - now).to_std()
            && !wait.is_zero()
        {
            return Ok(Some(wait));
        }
        let forgotten = now - throttle.updated_at > FORGOTTEN_AFTER;
        let failures = if forgotten { 1 } else { throttle.failures.saturating_add(1) };
        throttles::set(&mut transaction, &key, failures, now + scope.delay(failures), now).await?;
        transaction.commit().await?;
        Ok(None)
    }

    pub(super) fn throttle_key(&self, scope: Scope, of: &str) -> [u8; 32] {
        self.secrets.throttle_key(scope.name(), of)
    }
}

/// What an address is counted by: all of IPv4, the /64 of IPv6.
pub(super) fn network(ip: Option<IpAddr>) -> String {
    match ip {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => format!("{:x}/64", u128::from(ip) >> 64),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
