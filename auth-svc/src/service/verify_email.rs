//! The proof that an address is the user's own, by link or by code. It makes
//! the user's household. Locks the user before the challenge, as registration does.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::database::violated;
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Change, Identity};
use crate::domain::challenge::code_is_open;
use crate::domain::email::Email;
use crate::error::Error;
use crate::store::challenges::{self, Challenge};
use crate::store::{households, preferences, users};

/// What the user brings.
#[derive(Debug, Clone)]
pub enum Proof {
    Token(String),
    Code { email: String, code: String },
}

impl Identity {
    pub async fn verify_email(&self, proof: Proof, origin: &Origin) -> Result<(), Error> {
        match self.verify(proof.clone(), origin).await {
            // Two verified at once and wished for one username: now it is taken, and dropped.
            Err(Error::Database(error)) if violated(&error) == Some("users_username_key_key") => {
                self.verify(proof, origin).await
            }
            result => result,
        }
    }

    async fn verify(&self, proof: Proof, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let challenge = match proof {
            Proof::Token(token) => self.by_token(&mut transaction, &token).await?,
            Proof::Code { email, code } => match self.by_code(&mut transaction, &email, &code).await {
                Ok(challenge) => challenge,
                Err(error) => {
                    // A wrong code counts.
                    transaction.commit().await?;
                    return Err(error);
                }
            },
        };
        challenges::close(&mut transaction, challenge.id, self.clock.now()).await?;
        self.admit(&mut transaction, challenge.user_id, origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    async fn by_token(&self, connection: &mut PgConnection, token: &str) -> Result<Challenge, Error> {
        let hash = self.secrets.token_hash(token);
        let user_id = challenges::user_of_token(connection, &hash).await?.ok_or(Error::ChallengeInvalid)?;
        users::lock(connection, user_id).await?;
        challenges::lock_by_token(connection, &hash)
            .await?
            .filter(|challenge| self.clock.now() < challenge.token_expires_at)
            .ok_or(Error::ChallengeInvalid)
    }

    async fn by_code(
        &self,
        connection: &mut PgConnection,
        email: &str,
        code: &str,
    ) -> Result<Challenge, Error> {
        let email = Email::parse(email).ok_or(Error::ChallengeInvalid)?;
        let user = users::find_by_email(connection, email.key()).await?.ok_or(Error::ChallengeInvalid)?;
        users::lock(connection, user.id).await?;
        let challenge =
            challenges::lock_by_user(connection, user.id).await?.ok_or(Error::ChallengeInvalid)?;
        if !code_is_open(challenge.attempts, challenge.code_expires_at, self.clock.now()) {
            return Err(Error::ChallengeInvalid);
        }
        let given = self.secrets.code_hash(challenge.id, code.trim());
        if !bool::from(given.ct_eq(challenge.code_hash.as_slice())) {
            challenges::count_attempt(connection, challenge.id).await?;
            return Err(Error::ChallengeInvalid);
        }
        Ok(challenge)
    }

    /// Marks the address as verified and makes the household.
    async fn admit(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        origin: &Origin,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let user = users::lock(connection, user_id).await?.ok_or(Error::ChallengeInvalid)?;
        if user.email_verified {
            return Err(Error::ChallengeInvalid);
        }
        let version = users::verify(connection, user_id, now).await?;
        let preferences = preferences::find(connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let household_id = self.random.id(now);
        let (currency, timezone) = (&preferences.default_currency, &preferences.timezone);
        households::insert(connection, household_id, user_id, currency, timezone, now).await?;
        let created = Change {
            user_id,
            household_id: Some(household_id),
            entity: "household",
            entity_id: household_id,
            version: 1,
            kind: "created",
            changed: &["currency_code", "timezone"],
        };
        self.record(connection, created, origin).await?;
        let verified = Change::of_user(user_id, version, "verified", &["email_verified_at"]);
        let verified = Change { household_id: Some(household_id), ..verified };
        Ok(self.record(connection, verified, origin).await?)
    }
}
