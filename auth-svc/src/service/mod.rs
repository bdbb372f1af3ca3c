//! The use cases of identity, one file each, and their shared dependencies.

mod challenges;
mod change_password;
mod check_permits;
mod complete_export;
mod delete_current_user;
mod email_data;
mod erase_accounts;
mod forgot_password;
mod get_current_user;
mod get_preferences;
mod households;
mod list_signing_keys;
mod login;
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

use std::ops::Deref;
use std::sync::Arc;

use kit_access::caller::RequestOrigin;
use kit_access::token_verifier::TokenVerifier;
use kit_service::module::ServiceDependencies;
use kit_service::use_case::{EntityChange, UseCases, WriteTransaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use challenges::ChallengeProof;
pub use get_current_user::CurrentUser;
pub use get_preferences::Settings;
pub use login::Login;
pub use manage_users::{UserChanges, UserQuery};
pub use operator::{AdminCreated, Operator, OperatorError};
pub use security_events::record_denied_calls;
pub use sessions::TokenPair;
pub use trust_publisher::TrustPublisher;

use crate::config::Config;
use crate::domain::secret::Secrets;
use crate::error::{Error, StartError};
use check_permits::CheckPermits;
use passwords::PasswordManager;
use signing::Signer;

/// The use cases of auth-svc and the state that they share.
#[derive(Debug)]
pub struct IdentityUseCases {
    base: UseCases,
    pub publisher: Arc<TrustPublisher>,
    /// Cancelled when open streams must end.
    pub closing: CancellationToken,
    token_verifier: Arc<TokenVerifier>,
    config: Config,
    secrets: Secrets,
    passwords: PasswordManager,
    check_permits: CheckPermits,
    signer: Arc<Signer>,
}

impl Deref for IdentityUseCases {
    type Target = UseCases;

    fn deref(&self) -> &UseCases {
        &self.base
    }
}

impl IdentityUseCases {
    pub async fn new(config: Config, deps: ServiceDependencies) -> Result<Self, StartError> {
        let passwords = PasswordManager::new(&config, &deps.random);
        let signer = Arc::new(Signer::load(&config, &deps).await?);
        Ok(Self {
            base: UseCases::new(&deps),
            publisher: Arc::new(TrustPublisher::new(&deps, Arc::clone(&signer))),
            closing: deps.closing,
            token_verifier: deps.token_verifier,
            secrets: Secrets::new(config.token_secret.clone()),
            config,
            passwords,
            check_permits: CheckPermits::default(),
            signer,
        })
    }

    /// Awaits `commit`, then publishes the change to all verifiers at once.
    async fn publish<T>(&self, commit: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let result = commit.await?;
        self.publisher.refresh_now();
        Ok(result)
    }
}

/// Commits what the transaction has counted or recorded, and fails with `error`.
async fn commit_and_reject<T>(transaction: WriteTransaction, error: impl Into<Error>) -> Result<T, Error> {
    transaction.commit().await?;
    Err(error.into())
}

/// Makes the authenticated user the actor of later changes.
fn set_authenticated(transaction: &mut WriteTransaction, user_id: Uuid) {
    let origin = RequestOrigin { actor: user_id.to_string(), ..transaction.actor().origin.clone() };
    transaction.set_actor(&origin);
}

/// Builds a change of the user record itself, which belongs to no household.
fn user_change<'a>(
    user_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
) -> EntityChange<'a> {
    let (entity, entity_id) = ("user", user_id);
    EntityChange { household_id: None, user_id: Some(user_id), entity, entity_id, version, kind, changed }
}
