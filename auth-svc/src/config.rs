//! Settings of auth-svc.

use std::time::Duration;

use chrono::TimeDelta;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_core::keyring::KeyRing;
use secrecy::SecretString;

/// The settings of auth-svc, read from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// Encrypts phone numbers, second factors and private keys at rest.
    pub data_keys: KeyRing,
    /// Keys the hashes of codes, links and refresh tokens.
    pub token_secret: SecretString,
    pub issuer: String,
    /// The secret for the legacy algorithm of access tokens (`JWT_ALGORITHM=HS256`).
    pub hs256_secret: Option<SecretString>,
    pub access_token_lifetime: TimeDelta,
    /// The time after which a session without a refresh ends.
    pub refresh_token_lifetime: TimeDelta,
    /// The time after which a session ends, however often it is refreshed.
    pub session_lifetime: TimeDelta,
    pub sessions_per_user: i64,
    /// Whether tokens name the roles `admin` and `support` only with a second factor.
    pub require_staff_mfa: bool,
    /// The number of password hashes computed at once.
    /// It is half the cores, so that a flood of logins leaves the other half to other requests.
    pub hashing_concurrency: usize,
    /// The number of logins that may wait to be hashed; more fail with 503.
    pub hashing_queue_limit: usize,
    /// The time that a login waits to be hashed before it fails with 503.
    pub hashing_queue_timeout: Duration,
    pub password_cost: PasswordCost,
}

/// argon2id parameters (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory: u32,
    pub iterations: u32,
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory: 19 * 1024, iterations: 2, lanes: 1 }
    }
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let ring = environment.secret("FINTRAC_DATA_KEYS");
        let data_keys = KeyRing::parse(&ring).unwrap_or_else(|error| {
            if !ring.is_empty() {
                environment.add_problem(format!("FINTRAC_DATA_KEYS: {error}"));
            }
            KeyRing::unusable()
        });
        let tokens = kit_process::token_verifier_config(environment);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let minutes = environment.parse("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", 15);
        let days = environment.parse("JWT_REFRESH_TOKEN_EXPIRE_DAYS", 7);
        let session_days = environment.parse("SESSION_LIFETIME_DAYS", 90);
        let config = Self {
            data_keys,
            token_secret: environment.secret("FINTRAC_TOKEN_SECRET").into(),
            issuer: tokens.issuer,
            hs256_secret: tokens.hs256_secret,
            access_token_lifetime: TimeDelta::try_minutes(minutes).unwrap_or_default(),
            refresh_token_lifetime: TimeDelta::try_days(days).unwrap_or_default(),
            session_lifetime: TimeDelta::try_days(session_days).unwrap_or_default(),
            sessions_per_user: environment.parse("SESSIONS_PER_USER", 10),
            require_staff_mfa: environment.flag(
                "ADMIN_MFA_REQUIRED",
                environment.deployment_environment() == DeploymentEnvironment::Production,
            ),
            hashing_concurrency: environment.parse("HASHING_CONCURRENCY", (cores / 2).max(1)).max(1),
            hashing_queue_limit: 64,
            hashing_queue_timeout: Duration::from_secs(5),
            password_cost: PasswordCost::default(),
        };
        config.validate(environment);
        config
    }

    fn validate(&self, environment: &Environment) {
        if !(TimeDelta::minutes(1)..=TimeDelta::hours(24)).contains(&self.access_token_lifetime) {
            environment.add_problem("JWT_ACCESS_TOKEN_EXPIRE_MINUTES: must be 1 to 1440".into());
        }
        if !(TimeDelta::days(1)..=TimeDelta::days(365)).contains(&self.refresh_token_lifetime) {
            environment.add_problem("JWT_REFRESH_TOKEN_EXPIRE_DAYS: must be 1 to 365".into());
        }
        if !(TimeDelta::days(1)..=TimeDelta::days(3650)).contains(&self.session_lifetime) {
            environment.add_problem("SESSION_LIFETIME_DAYS: must be 1 to 3650".into());
        }
        if self.sessions_per_user < 1 {
            environment.add_problem("SESSIONS_PER_USER: must be 1 or more".into());
        }
    }
}
