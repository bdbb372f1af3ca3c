//! Operator commands, which work on the database of a running or stopped system.
//! They create administrators, manage keys and remove access restrictions.

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::module::ServiceDependencies;
use sqlx::PgConnection;
use uuid::Uuid;

use super::register::phone_number_aad;
use super::second_factors::totp_secret_aad;
use super::signing;
use super::{ChangeEvent, IdentityUseCases};
use crate::Config;
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::profile::RegistrationInput;
use crate::domain::role;
use crate::error::{Error, StartError};
use crate::store::encrypted_values::{self, EncryptedColumn, EncryptedValue};
use crate::store::users::{self, NewUser};
use crate::store::{households, ip_rules, preferences, roles, second_factors, sessions, signing_keys};

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
    KeyRing(fintrac_kit::keyring::KeyRingError),
    #[error(
        "the account must not be locked or pending deletion; unlock it, or let its user log in, and try again"
    )]
    LockedOrPendingDeletion,
    #[error("{0}")]
    Rejected(String),
}

impl From<Error> for OperatorError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::Start(StartError::Database(error)),
            error => Self::Rejected(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for OperatorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Start(StartError::Database(error))
    }
}

impl Operator {
    pub async fn open(config: Config, deps: ServiceDependencies) -> Result<Self, OperatorError> {
        Ok(Self(IdentityUseCases::new(config, deps).await?))
    }

    /// Gives the role `admin` to the user of `email`; creates the user if necessary.
    pub async fn create_admin(&self, email: &str) -> Result<AdminCreated, OperatorError> {
        let identity = &self.0;
        let address = Email::parse(email).ok_or_else(|| OperatorError::InvalidEmail(email.to_owned()))?;
        let origin = RequestOrigin { actor: "operator".to_owned(), ..RequestOrigin::default() };
        let mut transaction = identity.pool.begin().await?;
        roles::lock(&mut transaction).await?;
        users::lock_email(&mut transaction, address.key()).await?;
        let found = users::find_by_email(&mut transaction, address.key()).await?;
        let (user_id, is_new) = match found {
            Some(user) if user.erase_at.is_some() || !user.may_log_in() => {
                return Err(OperatorError::LockedOrPendingDeletion);
            }
            Some(user) => (user.id, false),
            // Unverified registrations have no claim to the address.
            None => (identity.insert_admin(&mut transaction, &address, &origin).await?, true),
        };
        let mut names = roles::list_for_user(&mut transaction, user_id).await?;
        if !names.insert(role::ADMIN.to_owned()) {
            return Ok(AdminCreated::AlreadyAdmin);
        }
        roles::set_for_user(&mut transaction, user_id, &names).await?;
        let version = users::increment_version(&mut transaction, user_id, identity.clock.now()).await?;
        for session_id in sessions::lock_open(&mut transaction, user_id).await? {
            identity.end_session(&mut transaction, user_id, session_id, &origin).await?;
        }
        identity
            .record_security_event(&mut transaction, Some(user_id), "roles_changed", None, "", &origin)
            .await?;
        let change = ChangeEvent::for_user(user_id, version, "roles_changed", &["roles"]);
        identity.record(&mut transaction, change, &origin).await?;
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
        let mut transaction = self.0.pool.begin().await?;
        let count = ip_rules::delete_all(&mut transaction).await?;
        self.record(&mut transaction, "ip_rules", "cleared", &[]).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Removes the second factor of a user who lost it and the recovery codes.
    /// Returns false if there was none. The user is notified by email.
    pub async fn remove_mfa(&self, email: &str) -> Result<bool, OperatorError> {
        let identity = &self.0;
        let address = Email::parse(email).ok_or_else(|| OperatorError::InvalidEmail(email.to_owned()))?;
        let origin = RequestOrigin { actor: "operator".to_owned(), ..RequestOrigin::default() };
        let mut transaction = identity.pool.begin().await?;
        let found = users::find_by_email(&mut transaction, address.key()).await?;
        let Some(user) = found else {
            return Err(OperatorError::Rejected(
                "the email address must belong to a user; check it".to_owned(),
            ));
        };
        users::lock(&mut transaction, user.id).await?;
        if !second_factors::is_enabled(&mut transaction, user.id).await? {
            return Ok(false);
        }
        second_factors::delete(&mut transaction, user.id).await?;
        identity.record_mfa_change(&mut transaction, user.id, "mfa_disabled", &origin).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Adds a signing key that signs after `lead`.
    /// Verifiers receive the key before it signs.
    pub async fn rotate_signing_key(
        &self,
        lead: TimeDelta,
    ) -> Result<(String, DateTime<Utc>), OperatorError> {
        let identity = &self.0;
        if identity.config.hs256_secret.is_some() {
            return Err(OperatorError::NoSigningKeys);
        }
        let now = identity.clock.now();
        let key = signing::generate_key(&identity.config, &identity.random, now + lead)?;
        let mut transaction = identity.pool.begin().await?;
        signing_keys::lock(&mut transaction).await?;
        signing_keys::insert(&mut transaction, &key, now).await?;
        self.record(&mut transaction, "signing_keys", "rotated", &["kid"]).await?;
        transaction.commit().await?;
        Ok((key.kid, key.active_from))
    }

    /// Deletes all signing keys and adds one that signs at once.
    /// It is for keys that were compromised. Issued access tokens are rejected within a second, and
    /// clients refresh theirs. Returns the id of the new key and the number of deleted keys.
    pub async fn revoke_signing_keys(&self) -> Result<(String, u64), OperatorError> {
        let identity = &self.0;
        if identity.config.hs256_secret.is_some() {
            return Err(OperatorError::NoSigningKeys);
        }
        let now = identity.clock.now();
        let key = signing::generate_key(&identity.config, &identity.random, now)?;
        let mut transaction = identity.pool.begin().await?;
        signing_keys::lock(&mut transaction).await?;
        let revoked = signing_keys::delete_others(&mut transaction, &key.kid).await?;
        signing_keys::insert(&mut transaction, &key, now).await?;
        self.record(&mut transaction, "signing_keys", "revoked", &["kid"]).await?;
        transaction.commit().await?;
        Ok((key.kid, revoked))
    }

    /// Ends every session that is open now and returns their number.
    /// Their tokens are rejected within a second, and all users log in again.
    pub async fn end_all_sessions(&self) -> Result<u64, OperatorError> {
        let identity = &self.0;
        let origin = RequestOrigin { actor: "operator".to_owned(), ..RequestOrigin::default() };
        let (started_at, mut after, mut count) = (identity.clock.now(), Uuid::nil(), 0);
        loop {
            let mut transaction = identity.pool.begin().await?;
            let open = sessions::list_open_after(&mut transaction, started_at, after, BATCH_SIZE).await?;
            let Some((_, last)) = open.last() else { break };
            after = *last;
            for (user_id, session_id) in open {
                identity.end_session(&mut transaction, user_id, session_id, &origin).await?;
                count += 1;
            }
            transaction.commit().await?;
        }
        self.record(&mut *identity.pool.acquire().await?, "sessions", "ended", &[]).await?;
        Ok(count)
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
        self.record(&mut *self.0.pool.acquire().await?, "data_keys", "rotated", &[]).await?;
        Ok(count)
    }

    /// Records an operation that does not belong to a user.
    async fn record(
        &self,
        connection: &mut PgConnection,
        entity: &'static str,
        kind: &'static str,
        changed: &[&str],
    ) -> Result<(), sqlx::Error> {
        let now = self.0.clock.now();
        let origin = RequestOrigin { actor: "operator".to_owned(), ..RequestOrigin::default() };
        let event = NewEvent {
            id: self.0.random.id(now),
            household_id: None,
            user_id: None,
            entity,
            entity_id: Uuid::nil(),
            version: 1,
            kind,
            changed,
            origin: &origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
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
    async fn insert_admin(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        origin: &RequestOrigin,
    ) -> Result<Uuid, Error> {
        let now = self.clock.now();
        let id = self.random.id(now);
        let input = RegistrationInput {
            email: email.as_str().to_owned(),
            password: crate::domain::secret::Secrets::first_refresh_token(&self.random),
            first_name: "Admin".to_owned(),
            last_name: "Admin".to_owned(),
            ..RegistrationInput::default()
        };
        let input = input.check().map_err(Error::Invalid)?;
        let password_hash = self.passwords.hash(input.password.clone().into()).await?;
        let user = NewUser {
            id,
            email,
            username: None,
            first_name: &input.first_name,
            last_name: &input.last_name,
            password_hash: &password_hash,
            phone_number: None,
            now,
        };
        self.release_email(connection, email, None, origin).await?;
        users::insert(connection, &user).await?;
        preferences::upsert(connection, id, &input.preferences).await?;
        self.record(connection, ChangeEvent::for_user(id, 1, "registered", &["email"]), origin).await?;
        let version = users::verify(connection, id, now).await?;
        let household_id = self.random.id(now);
        let (currency, timezone) = (&input.preferences.default_currency, &input.preferences.timezone);
        households::insert(connection, household_id, id, currency, timezone, now).await?;
        let created = ChangeEvent {
            user_id: id,
            household_id: Some(household_id),
            entity: "household",
            entity_id: household_id,
            version: 1,
            kind: "created",
            changed: &["currency_code", "timezone"],
        };
        self.record(connection, created, origin).await?;
        let change = ChangeEvent::for_user(id, version, "created_by_operator", &["email_verified_at"]);
        self.record(connection, change, origin).await?;
        Ok(id)
    }
}
