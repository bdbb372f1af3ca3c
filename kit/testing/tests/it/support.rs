//! A schema, a clock and keys for the tests.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kit_access::Authorizer;
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig};
use kit_core::clock::Clock;
use kit_db::Schema;
use kit_db::personal_data::PersonalData;
use sqlx::migrate::Migrator;

static NO_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| Migrator::with_migrations(Vec::new()));

pub fn schema() -> Schema {
    Schema { name: "toy", migrator: &NO_MIGRATIONS, grants: &[], personal_data: &PersonalData::NONE }
}

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("an instant")
}

pub fn clock() -> Clock {
    Clock::manual(start())
}

pub fn keys() -> ServiceKeys {
    ServiceKeys::from_secret("a secret for tests")
}

pub fn token_verifier(clock: &Clock) -> Arc<TokenVerifier> {
    let config = TokenVerifierConfig {
        issuer: "fintrac".into(),
        grace_period: Duration::from_mins(1),
        hs256_secret: None,
    };
    Arc::new(TokenVerifier::new(config, clock.clone()))
}

pub fn authorizer(clock: &Clock) -> Arc<Authorizer> {
    Arc::new(Authorizer::new("auth", keys(), token_verifier(clock), clock.clone()))
}
