//! Registration.
//! The response is the same whether the address is known or not; the email states the result.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::{FieldCode, FieldViolation};
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::throttling::Attempt;
use super::{ChangeEvent, IdentityUseCases};
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
        let registration = self.passwords.assess(move || input.check()).await?.map_err(Error::Invalid)?;
        self.attempt_from(Scope::ClientIp, origin).await?;
        if let Attempt::Blocked(wait) =
            self.attempt(Scope::Email, &format!("verify {}", registration.email.key())).await?
        {
            return Err(Error::Throttled(wait));
        }
        // The password is always hashed, so that a known address does not respond faster.
        let password_hash = self.passwords.hash(registration.password.clone().into()).await?;
        let mut transaction = self.pool.begin().await?;
        self.insert_registration(&mut transaction, &registration, &password_hash, origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }

    async fn insert_registration(
        &self,
        connection: &mut PgConnection,
        registration: &Registration,
        password_hash: &str,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let known = users::find_by_email(connection, registration.email.key()).await?;
        // Only verified users hold a username. It is rejected whether the address is known or not,
        // so that the rejection reveals nothing about the address.
        if let Some(username) = &registration.username
            && users::find_username_owner(connection, username).await?.is_some()
        {
            return Err(username_taken());
        }
        if let Some(known) = known {
            let locked = users::lock(connection, known.id).await?.ok_or(Error::NotFound("user"))?;
            if locked.erased_at.is_some() {
                // The erasure is about to release the address; no email is sent.
                return Ok(());
            }
            let change = ChangeEvent::for_user(known.id, locked.version, "already_registered", &[]);
            return Ok(self.record(connection, change, origin).await?);
        }
        // Registrations of an address are independent until one is verified; the email of each
        // confirms that registration only.
        let id = self.random.id(now);
        let aad = phone_number_aad(id);
        let phone_number = registration
            .phone_number
            .as_ref()
            .map(|number| self.config.data_keys.encrypt(&self.random, &aad, number.as_bytes()));
        let user = NewUser {
            id,
            email: &registration.email,
            username: registration.username.as_deref(),
            first_name: &registration.first_name,
            last_name: &registration.last_name,
            password_hash,
            phone_number: phone_number.as_deref(),
            now,
        };
        users::insert(connection, &user).await?;
        preferences::upsert(connection, id, &registration.preferences).await?;
        let changed = ["email", "first_name", "last_name", "username", "phone_number", "preferences"];
        self.record(connection, ChangeEvent::for_user(id, 1, "registered", &changed), origin).await?;
        self.create_challenge(connection, id, Purpose::VerifyEmail, None, origin).await
    }
}

/// Returns the associated data of an encrypted phone number.
pub(super) fn phone_number_aad(user_id: Uuid) -> String {
    format!("users/{user_id}/phone_number")
}

pub(super) fn username_taken() -> Error {
    Error::Invalid(vec![FieldViolation::from_code("username", FieldCode::UsernameTaken)])
}
