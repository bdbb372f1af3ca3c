//! Ids and random bytes, passed as a value: nothing else generates them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::{StdRng, SysRng};
use rand::{Rng as _, SeedableRng as _, TryRng as _};
use uuid::Uuid;

/// A source of random bytes.
#[derive(Debug, Clone)]
pub enum Random {
    /// The operating system's generator, which all secrets require.
    System,
    /// A reproducible sequence.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// Creates a reproducible sequence that starts from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Returns `N` random bytes.
    ///
    /// # Panics
    /// If the operating system provides no random bytes, because nothing is secure without them.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => SysRng.try_fill_bytes(&mut bytes).expect("the system's random generator works"),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// Returns a random delay from half of `delay` to one and a half times `delay`.
    /// Clients that failed together thus do not retry together.
    pub fn jittered(&self, delay: Duration) -> Duration {
        let [byte] = self.bytes();
        delay / 2 + delay * u32::from(byte) / 256
    }

    /// Generates a UUIDv7: ordered by time, with 74 random bits.
    pub fn id(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
