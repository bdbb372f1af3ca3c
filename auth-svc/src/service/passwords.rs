//! Hashing passwords without starving everything else: a few at once, on threads
//! of their own; a few more wait, and whoever comes then is sent away at once.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use fintrac_kit::random::Random;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::Error;

#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    patience: Duration,
    /// Those who are hashed and those who wait.
    crowd: Arc<Semaphore>,
    hasher: Argon2<'static>,
    random: Random,
    /// Verified in place of an unknown user's, at the same cost.
    decoy: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and to be stored anew because the parameters have risen.
    Rehashed(String),
}

impl Passwords {
    pub fn new(config: &Config, random: &Random) -> Self {
        let cost = config.password_cost;
        let params = Params::new(cost.memory, cost.iterations, cost.lanes, None).unwrap_or_default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&hasher, random, "nobody's password").unwrap_or_default();
        Self {
            turns: Arc::new(Semaphore::new(config.hashing_concurrency.max(1))),
            crowd: Arc::new(Semaphore::new(config.hashing_concurrency.max(1) + config.hashing_queue)),
            patience: config.hashing_patience,
            hasher,
            random: random.clone(),
            decoy,
        }
    }

    /// The PHC string of `password`.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        let (hasher, random) = (self.hasher.clone(), self.random.clone());
        self.take_turn(move || hash(&hasher, &random, password.expose_secret())).await?
    }

    /// Checks `password`; without a stored hash it takes just as long and is wrong.
    pub async fn verify(&self, password: SecretString, stored: Option<&str>) -> Result<Verdict, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let (hasher, random) = (self.hasher.clone(), self.random.clone());
        self.take_turn(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| Error::Internal(error.to_string()))?;
            let right = hasher.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
            if !right || !known {
                return Ok(Verdict::Wrong);
            }
            let params = hasher.params();
            let current = Params::try_from(&parsed)
                .is_ok_and(|stored| stored.m_cost() >= params.m_cost() && stored.t_cost() >= params.t_cost());
            if current {
                Ok(Verdict::Right)
            } else {
                hash(&hasher, &random, password.expose_secret()).map(Verdict::Rehashed)
            }
        })
        .await?
    }

    /// What is to be said about a new password, on those threads.
    pub async fn assess<T: Send + 'static>(
        &self,
        assess: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.take_turn(assess).await
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.crowd).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(self.patience, turn).await.map_err(|_| Error::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _until_done = (turn, place);
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
