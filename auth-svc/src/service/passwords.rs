//! Hashes passwords without starving other requests.
//! A few hashes run at once, on blocking threads. A limited number of requests waits; more are
//! rejected.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use kit_core::random::Random;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::{Error, overloaded};

#[derive(Debug)]
pub struct PasswordManager {
    hash_permits: Arc<Semaphore>,
    queue_timeout: Duration,
    /// Permits for requests that are hashed or waiting.
    queue_limit: Arc<Semaphore>,
    hasher: Argon2<'static>,
    random: Random,
    /// The hash that is verified for an unknown user, at the same cost.
    dummy_hash: String,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordVerification {
    Wrong,
    Right,
    /// Correct, with a new hash to store because the parameters have been raised.
    Rehashed(String),
}

impl PasswordManager {
    pub fn new(config: &Config, random: &Random) -> Self {
        let cost = config.password_cost;
        let params = Params::new(cost.memory, cost.iterations, cost.lanes, None).unwrap_or_default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy_hash = hash(&hasher, random, "dummy password").unwrap_or_default();
        Self {
            hash_permits: Arc::new(Semaphore::new(config.hashing_concurrency.max(1))),
            queue_limit: Arc::new(Semaphore::new(
                config.hashing_concurrency.max(1) + config.hashing_queue_limit,
            )),
            queue_timeout: config.hashing_queue_timeout,
            hasher,
            random: random.clone(),
            dummy_hash,
        }
    }

    /// Returns the hash of `password` as a PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        let (hasher, random) = (self.hasher.clone(), self.random.clone());
        self.run_hashing(move || hash(&hasher, &random, password.expose_secret())).await?
    }

    /// Verifies `password`; without a stored hash it takes as long and is wrong.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<&str>,
    ) -> Result<PasswordVerification, Error> {
        let is_known = stored.is_some();
        let stored = stored.unwrap_or(&self.dummy_hash).to_owned();
        let (hasher, random) = (self.hasher.clone(), self.random.clone());
        self.run_hashing(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| Error::Internal(error.to_string()))?;
            let is_right = hasher.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
            if !is_right || !is_known {
                return Ok(PasswordVerification::Wrong);
            }
            let params = hasher.params();
            let is_current = Params::try_from(&parsed)
                .is_ok_and(|stored| stored.m_cost() >= params.m_cost() && stored.t_cost() >= params.t_cost());
            if is_current {
                Ok(PasswordVerification::Right)
            } else {
                hash(&hasher, &random, password.expose_secret()).map(PasswordVerification::Rehashed)
            }
        })
        .await?
    }

    /// Runs the assessment of a new password on the hashing threads.
    pub async fn assess<T: Send + 'static>(
        &self,
        assess: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.run_hashing(assess).await
    }

    async fn run_hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let queue_permit = Arc::clone(&self.queue_limit).try_acquire_owned().map_err(|_| overloaded())?;
        let hash_permit = Arc::clone(&self.hash_permits).acquire_owned();
        let hash_permit =
            tokio::time::timeout(self.queue_timeout, hash_permit).await.map_err(|_| overloaded())?;
        tokio::task::spawn_blocking(move || {
            let _permits = (hash_permit, queue_permit);
            work()
        })
        .await
        .map_err(|error| Error::Internal(error.to_string()))
    }
}

fn hash(hasher: &Argon2<'_>, random: &Random, password: &str) -> Result<String, Error> {
    hasher
        .hash_password_with_salt(password.as_bytes(), &random.bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Internal(error.to_string()))
}
