//! The use cases of identity, one file each, and their shared dependencies.

mod challenges;
mod change_password;
mod check_permits;
mod complete_export;
mod delete_current_user;
mod email_data;
mod erase_accounts;
mod forgot_password;
mod get_challenge_data;
mod get_current_user;
mod get_household;
mod get_member;
mod get_preferences;
mod idempotency;
mod list_large_transaction_limits;
mod list_signing_keys;
mod list_subscribers;
mod login;
mod logout;
mod manage_devices;
mod manage_ip_rules;
mod manage_roles;
mod manage_sessions;
mod manage_users;
mod operator;
mod password_reauthentication;
mod passwords;
mod reauthenticate;
mod refresh;
mod register;
mod resend_verification;
mod reset_password;
mod second_factors;
mod security_events;
mod sessions;
mod signing;
mod throttling;
mod trust_publisher;
mod unsubscribe;
mod update_current_user;
mod update_preferences;
mod verify_email;

use std::sync::Arc;

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::token_verifier::TokenVerifier;
use fintrac_kit::clock::Clock;
use fintrac_kit::events::{self, NewEvent, WakeSignal};
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::random::Random;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use challenges::ChallengeProof;
pub use get_challenge_data::ChallengeData;
pub use get_current_user::CurrentUser;
pub use get_preferences::Settings;
pub use login::Login;
pub use manage_users::{UserChanges, UserQuery};
pub use operator::{AdminCreated, Operator, OperatorError};
pub use security_events::{PageQuery, record_denied_calls};
pub use sessions::TokenPair;
pub use trust_publisher::TrustPublisher;

use crate::config::Config;
use crate::domain::secret::Secrets;
use crate::error::StartError;
use check_permits::CheckPermits;
use passwords::PasswordManager;
use signing::Signer;

/// The use cases of auth-svc and the state that they share.
#[derive(Debug)]
pub struct IdentityUseCases {
    pub clock: Clock,
    pub publisher: Arc<TrustPublisher>,
    /// Cancelled when open streams must end.
    pub closing: CancellationToken,
    pub pool: PgPool,
    token_verifier: Arc<TokenVerifier>,
    random: Random,
    event_log_signal: WakeSignal,
    job_signal: WakeSignal,
    config: Config,
    secrets: Secrets,
    passwords: PasswordManager,
    check_permits: CheckPermits,
    signer: Arc<Signer>,
}

impl IdentityUseCases {
    pub async fn new(config: Config, deps: ServiceDependencies) -> Result<Self, StartError> {
        let passwords = PasswordManager::new(&config, &deps.random);
        let signer = Arc::new(Signer::load(&config, &deps).await?);
        Ok(Self {
            publisher: Arc::new(TrustPublisher::new(&deps, Arc::clone(&signer))),
            token_verifier: deps.token_verifier,
            secrets: Secrets::new(config.token_secret.clone()),
            clock: deps.clock,
            closing: deps.closing,
            random: deps.random,
            pool: deps.pool,
            event_log_signal: deps.event_log_signal,
            job_signal: deps.job_signal,
            config,
            passwords,
            check_permits: CheckPermits::default(),
            signer,
        })
    }

    /// Returns the origin with the authenticated user as its actor.
    fn authenticated_origin(user_id: Uuid, origin: &RequestOrigin) -> RequestOrigin {
        RequestOrigin { actor: user_id.to_string(), ..origin.clone() }
    }

    /// Records a change in the event log.
    async fn record(
        &self,
        connection: &mut PgConnection,
        change: ChangeEvent<'_>,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: change.household_id,
            user_id: Some(change.user_id),
            entity: change.entity,
            entity_id: change.entity_id,
            version: change.version,
            kind: change.kind,
            changed: change.changed,
            origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}

/// A change to record; see [`NewEvent`].
struct ChangeEvent<'a> {
    user_id: Uuid,
    household_id: Option<Uuid>,
    entity: &'static str,
    entity_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
}

impl<'a> ChangeEvent<'a> {
    /// Builds a change of the user record itself.
    fn for_user(user_id: Uuid, version: i64, kind: &'static str, changed: &'a [&'a str]) -> Self {
        Self { user_id, household_id: None, entity: "user", entity_id: user_id, version, kind, changed }
    }
}
