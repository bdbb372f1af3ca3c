//! The proof that an address is the user's own, by link or by code: of a new
//! user, for whom it makes the household, or of a change of address.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::database::violated;
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::alike;
use super::{Change, Identity, Proof};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::error::Error;
use crate::store::challenges::{self, Challenge};
use crate::store::{households, preferences, users};

impl Identity {
    pub async fn verify_email(&self, proof: Proof, origin: &Origin) -> Result<(), Error> {
        alike(self.try_to_verify(&proof, origin)).await
    }

    async fn try_to_verify(&self, proof: &Proof, origin: &Origin) -> Result<(), Error> {
        match self.verify(proof, origin).await {
            // Two verified at once and wished for one username: now it is taken, and dropped.
            Err(Error::Database(error)) if violated(&error) == Some("users_username_key_key") => {
                self.verify(proof, origin).await
            }
            // Another user has proved the address.
            Err(Error::Database(error)) if violated(&error) == Some("users_email_key_key") => {
                Err(Error::ChallengeInvalid)
            }
            result => result,
        }
    }

    async fn verify(&self, proof: &Proof, origin: &Origin) -> Result<(), Error> {
        let tickets = self.count_proof(proof, origin).await?;
        let mut transaction = self.pool.begin().await?;
        self.lock_address_of(&mut transaction, proof).await?;
        let purposes = [Purpose::VerifyEmail, Purpose::ChangeEmail];
        let challenge = match self.answered(&mut transaction, proof, &purposes).await {
            Ok(challenge) => challenge,
            // A second look at the same mail.
            Err(Error::ChallengeInvalid) if self.has_verified(&mut transaction, proof).await? => {
                self.uncount_proof(&mut transaction, &tickets).await?;
                return Ok(transaction.commit().await?);
            }
            Err(error) => {
                // A wrong code counts.
                transaction.commit().await?;
                return Err(error);
            }
        };
        self.uncount_proof(&mut transaction, &tickets).await?;
        let origin = &Self::proved(challenge.user_id, origin);
        challenges::close(&mut transaction, challenge.id, self.clock.now()).await?;
        match challenge.purpose {
            Purpose::VerifyEmail => self.admit(&mut transaction, challenge.user_id, origin).await?,
            Purpose::ChangeEmail => self.change_address(&mut transaction, &challenge, origin).await?,
            Purpose::ResetPassword => return Err(Error::ChallengeInvalid),
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Waits for other proofs of the address that `proof` is about.
    async fn lock_address_of(&self, connection: &mut PgConnection, proof: &Proof) -> Result<(), Error> {
        let key = match proof {
            Proof::Token(token) => {
                challenges::address_of_token(connection, &self.secrets.token_hash(token)).await?
            }
            Proof::Code { email, .. } => Email::parse(email).map(|email| email.key().to_owned()),
        };
        let key = key.ok_or(Error::ChallengeInvalid)?;
        Ok(users::lock_address(connection, &key).await?)
    }

    /// Whether `proof` is of a mail whose address its user has proved already.
    async fn has_verified(&self, connection: &mut PgConnection, proof: &Proof) -> Result<bool, Error> {
        let now = self.clock.now();
        match proof {
            Proof::Token(token) => {
                let hash = self.secrets.token_hash(token);
                Ok(challenges::has_verified(connection, &hash, now).await?)
            }
            Proof::Code { email, code } => {
                let email = Email::parse(email).ok_or(Error::ChallengeInvalid)?;
                let spent = challenges::spent_codes(connection, email.key(), now).await?;
                Ok(spent.iter().any(|(id, hash)| self.code_matches(*id, hash, code)))
            }
        }
    }

    /// Marks the address as verified, creates the household, and releases the other
    /// registrations of the address.
    async fn admit(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        origin: &Origin,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let user = users::lock(connection, user_id).await?.ok_or(Error::ChallengeInvalid)?;
        if user.email_verified || user.erased_at.is_some() {
            return Err(Error::ChallengeInvalid);
        }
        let version = users::verify(connection, user_id, now).await?;
        let profile = users::profile(connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let email = Email::parse(&profile.email).ok_or(Error::ChallengeInvalid)?;
        self.release_address(connection, &email, Some(user_id), origin).await?;
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

    /// Takes an address away from all who only claimed it, but for one.
    pub(super) async fn release_address(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        but: Option<Uuid>,
        origin: &Origin,
    ) -> Result<(), sqlx::Error> {
        let released = users::release_unverified(connection, email.key(), but, self.clock.now()).await?;
        // Who proved it is no business of theirs.
        let origin =
            &Origin { actor: "auth".to_owned(), request_id: origin.request_id.clone(), ..Origin::default() };
        for (user_id, version) in released {
            self.record(connection, Change::of_user(user_id, version, "released", &["email"]), origin)
                .await?;
        }
        Ok(())
    }

    /// The confirmed address takes effect; the former one is told.
    async fn change_address(
        &self,
        connection: &mut PgConnection,
        challenge: &Challenge,
        origin: &Origin,
    ) -> Result<(), Error> {
        let (user_id, now) = (challenge.user_id, self.clock.now());
        let user = users::lock(connection, user_id).await?.ok_or(Error::ChallengeInvalid)?;
        let email = challenge.email.as_deref().and_then(Email::parse).ok_or(Error::ChallengeInvalid)?;
        let former = users::profile(connection, user_id).await?.ok_or(Error::ChallengeInvalid)?.email;
        if user.erase_at.is_some() || !user.may_log_in() {
            return Err(Error::ChallengeInvalid);
        }
        self.release_address(connection, &email, None, origin).await?;
        let version = users::set_email(connection, user_id, &email, now).await?;
        // What was sent to the former address is void.
        challenges::close_all(connection, user_id, Purpose::ResetPassword, now).await?;
        challenges::set_former_email(connection, challenge.id, &former).await?;
        let told = Change {
            user_id,
            household_id: None,
            entity: "challenge",
            entity_id: challenge.id,
            version: 2,
            kind: "email_changed",
            changed: &[],
        };
        self.record(connection, told, origin).await?;
        self.note_security(connection, Some(user_id), "email_changed", None, "", origin).await?;
        let changed = Change::of_user(user_id, version, "updated", &["email"]);
        Ok(self.record(connection, changed, origin).await?)
    }
}
