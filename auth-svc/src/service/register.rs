//! Registration.
//! The response is the same whether the address is known or not; the email states the result.

use kit_access::caller::RequestOrigin;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteTransaction;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::{IdentityUseCases, user_change};
use crate::domain::challenge::Purpose;
use crate::domain::profile::{Registration, RegistrationInput};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::preferences;
use crate::store::users::{self, NewUser};

impl IdentityUseCases {
    pub async fn register(&self, input: RegistrationInput, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.try_to_register(input, origin)).await
    }

    async fn try_to_register(&self, input: RegistrationInput, origin: &RequestOrigin) -> Result<(), Error> {
        let registration = self.passwords.assess(move || input.check()).await??;
        self.attempt_from(Scope::ClientIp, origin).await?;
        let throttle_name = format!("verify {}", registration.email.key());
        self.attempt(Scope::Email, &throttle_name).await?.require_allowed()?;
        // The password is always hashed, so that a known address does not respond faster.
        let password_hash = self.passwords.hash(registration.password.clone().into()).await?;
        let mut transaction = self.begin(origin).await?;
        self.insert_registration(&mut transaction, &registration, &password_hash).await?;
        transaction.commit().await
    }

    async fn insert_registration(
        &self,
        transaction: &mut WriteTransaction,
        registration: &Registration,
        password_hash: &str,
    ) -> Result<(), Error> {
        let known = users::find_by_email(transaction, registration.email.key()).await?;
        // Only verified users hold a username. It is rejected whether the address is known or not,
        // so that the rejection reveals nothing about the address.
        if let Some(username) = &registration.username
            && users::find_username_owner(transaction, username).await?.is_some()
        {
            return Err(username_taken());
        }
        if let Some(known) = known {
            let locked = users::lock(transaction, known.id).await?;
            let locked = locked.ok_or_else(|| Error::not_found("user"))?;
            // The erasure of a user is about to release the address; no email is sent.
            if locked.erased_at.is_none() {
                let change = user_change(known.id, locked.version, "already_registered", &[]);
                transaction.record_change(change).await?;
            }
            return Ok(());
        }
        // Registrations of an address are independent until one is verified; the email of each
        // confirms that registration only.
        let changed = ["email", "first_name", "last_name", "username", "phone_number", "preferences"];
        let id = self.insert_user(transaction, registration, password_hash, &changed).await?;
        self.create_challenge(transaction, id, Purpose::VerifyEmail, None).await
    }

    /// Inserts an unverified user with preferences.
    pub(super) async fn insert_user(
        &self,
        transaction: &mut WriteTransaction,
        registration: &Registration,
        password_hash: &str,
        changed: &[&str],
    ) -> Result<Uuid, Error> {
        let (id, now) = (self.new_id(), self.clock.now());
        let encrypted =
            registration.phone_number.as_deref().map(|number| self.encrypt_phone_number(id, number));
        let user = NewUser {
            id,
            email: &registration.email,
            username: registration.username.as_deref(),
            first_name: &registration.first_name,
            last_name: &registration.last_name,
            password_hash,
            phone_number: encrypted.as_deref(),
            now,
        };
        users::insert(transaction, &user).await?;
        preferences::upsert(transaction, id, &registration.preferences).await?;
        transaction.record_change(user_change(id, 1, "registered", changed)).await?;
        Ok(id)
    }

    pub(super) fn encrypt_phone_number(&self, user_id: Uuid, number: &str) -> String {
        let aad = phone_number_aad(user_id);
        self.config.data_keys.encrypt(&self.random, &aad, number.as_bytes())
    }
}

/// Returns the associated data of an encrypted phone number.
pub(super) fn phone_number_aad(user_id: Uuid) -> String {
    format!("users/{user_id}/phone_number")
}

pub(super) fn username_taken() -> Error {
    FieldViolation::from_code("username", FieldCode::UsernameTaken).into()
}
