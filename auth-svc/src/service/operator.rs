//! Operator commands, which work on the database of a running or stopped system.
//! They create administrators, manage keys and remove access restrictions.

use chrono::{DateTime, TimeDelta, Utc};
use kit_access::caller::RequestOrigin;
use kit_service::module::ServiceDependencies;
use kit_service::use_case::WriteTransaction;
use sqlx::PgConnection;
use uuid::Uuid;

use super::register::phone_number_aad;
use super::second_factors::totp_secret_aad;
use super::{IdentityUseCases, signing, user_change};
use crate::Config;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::profile::RegistrationInput;
use crate::domain::role;
use crate::domain::secret::Secrets;
use crate::error::{Error, StartError};
use crate::store::encrypted_values::{self, EncryptedColumn, EncryptedValue};
use crate::store::signing_keys::{self, SigningKey};
use crate::store::{ip_rules, roles, second_factors, sessions, users};

/// The number of rows that one query reads.
const BATCH_SIZE: i64 = 500;

/// The operator's access to the schema of auth-svc.
#[derive(Debug)]
pub struct Operator(IdentityUseCases);

/// The outcome of creating an administrator.
#[derive(Debug)]
pub enum AdminCreated {
    /// A user of that address got the role; the user's sessions have ended.
    Promoted,
    /// There was no user of that address; an account without a password was created.
    /// The token of the link to choose a password is valid for 60 minutes.
    Created { token: String },
    /// The user was an administrator before.
    AlreadyAdmin,
}

/// The reason why an operator command failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0} must be an email address; use the form name@example.com")]
    InvalidEmail(String),
    #[error("JWT_ALGORITHM must not be HS256, which has no signing keys; change JWT_SECRET_KEY instead")]
    NoSigningKeys,
    #[error("a value cannot be decrypted with FINTRAC_DATA_KEYS: {0}; add the data key that encrypted it")]
    KeyRing(kit_core::keyring::KeyRingError),
    #[error(
        "the account must not be locked or pending deletion; unlock it, or let its user log in, and try again"
    )]
    LockedOrPendingDeletion,
    #[error("the email address must belong to a user; check it")]
    UnknownEmail,
    #[error(transparent)]
    UseCase(#[from] Error),
}

impl From<sqlx::Error> for OperatorError {
    fn from(error: sqlx::Error) -> Self {
        Self::UseCase(error.into())
    }
}

impl Operator {
    pub async fn open(config: Config, deps: ServiceDependencies) -> Result<Self, OperatorError> {
        Ok(Self(IdentityUseCases::new(config, deps).await?))
    }

    /// Begins a transaction whose changes are made by the operator.
    async fn begin(&self) -> Result<WriteTransaction, Error> {
        let origin = RequestOrigin { actor: "operator".to_owned(), ..RequestOrigin::default() };
        self.0.begin(&origin).await
    }

    /// Gives the role `admin` to the user of `email`; creates the user if necessary.
    pub async fn create_admin(&self, email: &str) -> Result<AdminCreated, OperatorError> {
        let identity = &self.0;
        let address = parse_email(email)?;
        let mut transaction = self.begin().await?;
        roles::lock(&mut transaction).await?;
        users::lock_email(&mut transaction, address.key()).await?;
        let found = users::find_by_email(&mut transaction, address.key()).await?;
        let (user_id, is_new) = match found {
            Some(user) if user.erase_at.is_some() || !user.may_log_in() => {
                return Err(OperatorError::LockedOrPendingDeletion);
            }
            Some(user) => (user.id, false),
            // Unverified registrations have no claim to the address.
            None => (identity.insert_admin(&mut transaction, &address).await?, true),
        };
        let mut names = roles::list_for_user(&mut transaction, user_id).await?;
        if !names.insert(role::ADMIN.to_owned()) {
            return Ok(AdminCreated::AlreadyAdmin);
        }
        roles::set_for_user(&mut transaction, user_id, &names).await?;
        // The update locks the user before the sessions, as every login does.
        let version = users::increment_version(&mut transaction, user_id, identity.clock.now()).await?;
        identity.end_all_sessions(&mut transaction, user_id).await?;
        let kind = "roles_changed";
        identity.record_security_event(&mut transaction, Some(user_id), kind, None).await?;
        transaction.record_change(user_change(user_id, version, kind, &["roles"])).await?;
        let outcome = if is_new {
            let purpose = Purpose::ResetPassword;
            let challenge = identity.insert_challenge(&mut transaction, user_id, purpose, None).await?;
            AdminCreated::Created { token: identity.secrets.link_token(challenge) }
        } else {
            AdminCreated::Promoted
        };
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Deletes all IP rules, for administrators who locked themselves out.
    /// Returns the number of deleted rules.
    pub async fn clear_ip_rules(&self) -> Result<u64, OperatorError> {
        let mut transaction = self.begin().await?;
        let count = ip_rules::delete_all(&mut transaction).await?;
        commit_operation(transaction, "ip_rules", "cleared", &[]).await?;
        Ok(count)
    }

    /// Removes the second factor of a user who lost it and the recovery codes.
    /// Returns false if there was none. The user is notified by email.
    pub async fn remove_mfa(&self, email: &str) -> Result<bool, OperatorError> {
        let address = parse_email(email)?;
        let mut transaction = self.begin().await?;
        let found = users::find_by_email(&mut transaction, address.key()).await?;
        let user = found.ok_or(OperatorError::UnknownEmail)?;
        users::lock(&mut transaction, user.id).await?;
        if !second_factors::is_enabled(&mut transaction, user.id).await? {
            return Ok(false);
        }
        self.0.delete_second_factor(&mut transaction, user.id).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Adds a signing key that signs after `lead`.
    /// Verifiers receive the key before it signs.
    pub async fn rotate_signing_key(
        &self,
        lead: TimeDelta,
    ) -> Result<(String, DateTime<Utc>), OperatorError> {
        let (transaction, key) = self.add_signing_key(lead).await?;
        commit_operation(transaction, "signing_keys", "rotated", &["kid"]).await?;
        Ok((key.kid, key.active_from))
    }

    /// Deletes all signing keys and adds one that signs at once.
    /// It is for keys that were compromised. Issued access tokens are rejected within a second, and
    /// clients refresh theirs. Returns the id of the new key and the number of deleted keys.
    pub async fn revoke_signing_keys(&self) -> Result<(String, u64), OperatorError> {
        let (mut transaction, key) = self.add_signing_key(TimeDelta::zero()).await?;
        let revoked = signing_keys::delete_others(&mut transaction, &key.kid).await?;
        commit_operation(transaction, "signing_keys", "revoked", &["kid"]).await?;
        Ok((key.kid, revoked))
    }

    /// Begins a transaction and adds a key that signs after `lead`.
    async fn add_signing_key(
        &self,
        lead: TimeDelta,
    ) -> Result<(WriteTransaction, SigningKey), OperatorError> {
        let identity = &self.0;
        if identity.config.hs256_secret.is_some() {
            return Err(OperatorError::NoSigningKeys);
        }
        let now = identity.clock.now();
        let key = signing::generate_key(&identity.config, &identity.random, now + lead)?;
        let mut transaction = self.begin().await?;
        signing_keys::lock(&mut transaction).await?;
        signing_keys::insert(&mut transaction, &key, now).await?;
        Ok((transaction, key))
    }

    /// Ends every session that is open now and returns their number.
    /// Their tokens are rejected within a second, and all users log in again.
    pub async fn end_all_sessions(&self) -> Result<u64, OperatorError> {
        let (started_at, mut after, mut count) = (self.0.clock.now(), Uuid::nil(), 0);
        loop {
            let mut transaction = self.begin().await?;
            let open = sessions::list_open_after(&mut transaction, started_at, after, BATCH_SIZE).await?;
            let Some((_, last)) = open.last() else {
                commit_operation(transaction, "sessions", "ended", &[]).await?;
                return Ok(count);
            };
            after = *last;
            for (user_id, session_id) in open {
                self.0.end_session(&mut transaction, user_id, session_id).await?;
                count += 1;
            }
            transaction.commit().await?;
        }
    }

    /// Encrypts every value with the first key of the ring.
    /// It works while the system runs. Returns the number of values that were encrypted with
    /// another key.
    pub async fn rotate_data_key(&self) -> Result<u64, OperatorError> {
        let mut count = 0;
        for column in EncryptedColumn::ALL {
            let mut after = String::new();
            loop {
                let mut connection = self.0.pool.acquire().await?;
                let prefix = self.0.config.data_keys.prefix();
                let page =
                    encrypted_values::list(&mut connection, column, &prefix, &after, BATCH_SIZE).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.key);
                for value in &page {
                    count += u64::from(self.reencrypt(&mut connection, column, value).await?);
                }
            }
        }
        commit_operation(self.begin().await?, "data_keys", "rotated", &[]).await?;
        Ok(count)
    }

    async fn reencrypt(
        &self,
        connection: &mut PgConnection,
        column: EncryptedColumn,
        value: &EncryptedValue,
    ) -> Result<bool, OperatorError> {
        let id = || Uuid::parse_str(&value.key).unwrap_or_default();
        let aad = match column {
            EncryptedColumn::PhoneNumber => phone_number_aad(id()),
            EncryptedColumn::TotpSecret => totp_secret_aad(id()),
            EncryptedColumn::PrivateKey => signing::signing_key_aad(&value.key),
        };
        let ring = &self.0.config.data_keys;
        let plain = ring.decrypt(&aad, &value.value).map_err(OperatorError::KeyRing)?;
        let encrypted = ring.encrypt(&self.0.random, &aad, &plain);
        Ok(encrypted_values::replace(connection, column, value, &encrypted).await?)
    }
}

impl IdentityUseCases {
    /// Inserts a verified user with a random, unknown password.
    async fn insert_admin(&self, transaction: &mut WriteTransaction, email: &Email) -> Result<Uuid, Error> {
        let input = RegistrationInput {
            email: email.as_str().to_owned(),
            password: Secrets::first_refresh_token(&self.random),
            first_name: "Admin".to_owned(),
            last_name: "Admin".to_owned(),
            ..RegistrationInput::default()
        };
        let registration = input.check()?;
        let password_hash = self.passwords.hash(registration.password.clone().into()).await?;
        self.release_email(transaction, email, None).await?;
        let id = self.insert_user(transaction, &registration, &password_hash, &["email"]).await?;
        let version = users::verify(transaction, id, self.clock.now()).await?;
        self.create_household(transaction, id, &registration.preferences).await?;
        let change = user_change(id, version, "created_by_operator", &["email_verified_at"]);
        transaction.record_change(change).await?;
        Ok(id)
    }
}

fn parse_email(text: &str) -> Result<Email, OperatorError> {
    Email::parse(text).ok_or_else(|| OperatorError::InvalidEmail(text.to_owned()))
}

/// Records an operation that does not belong to a user, and commits it.
async fn commit_operation(
    mut transaction: WriteTransaction,
    entity: &'static str,
    kind: &'static str,
    changed: &[&str],
) -> Result<(), Error> {
    transaction.record(entity, Uuid::nil(), 1, kind, changed).await?;
    transaction.commit().await
}
