//! Registration. The answer is the same whether the address is known or not;
//! what happened is told by email.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::FieldViolation;
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::throttling::Attempt;
use super::{ChangeEvent, Identity};
use crate::domain::challenge::Purpose;
use crate::domain::profile::{Registration, RegistrationInput};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::preferences;
use crate::store::users::{self, NewUser};

impl Identity {
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
        // Always hashed: a known address must not answer faster.
        let password_hash = self.passwords.hash(registration.password.clone().into()).await?;
        let mut transaction = self.pool.begin().await?;
        self.insert_registration(&mut transaction, &registration, &password_hash, origin).await?;
        transaction.commit().await?;
        self.wake_signal.wake();
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
        // Only verified users hold a username, and theirs are refused in every
        // case: so the refusal says nothing about the address.
        if let Some(username) = &registration.username
            && users::find_username_owner(connection, username).await?.is_some()
        {
            return Err(username_taken());
        }
        if let Some(known) = known {
            let locked = users::lock(connection, known.id).await?.ok_or(Error::NotFound("user"))?;
            if locked.erased_at.is_some() {
                // The erasure frees the address in a moment; no email goes out.
                return Ok(());
            }
            let change = ChangeEvent::for_user(known.id, locked.version, "already_registered", &[]);
            return Ok(self.record(connection, change, origin).await?);
        }
        // An earlier registration of the address has proved nothing: each is separate,
        // and its email confirms that registration only.
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

/// The associated data of an encrypted phone number.
pub(super) fn phone_number_aad(user_id: Uuid) -> String {
    format!("users/{user_id}/phone_number")
}

pub(super) fn username_taken() -> Error {
    let text = "Somebody has this username; choose another.";
    Error::Invalid(vec![FieldViolation::new("username", "USERNAME_TAKEN", text)])
}
