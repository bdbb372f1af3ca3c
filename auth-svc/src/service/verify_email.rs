//! Verifies an email address by link or code.
//! For a new user it also creates the household; for an email change it applies the change.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::database::violated_constraint;
use fintrac_kit::error::ProblemCode;
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::{ChallengeProof, ChangeEvent, IdentityUseCases};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::error::Error;
use crate::store::challenges::{self, Challenge};
use crate::store::{households, preferences, users};

impl IdentityUseCases {
    pub async fn verify_email(&self, proof: ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.try_to_verify(&proof, origin)).await
    }

    async fn try_to_verify(&self, proof: &ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        match self.verify(proof, origin).await {
            // A concurrent verification took the username; retry without it.
            Err(Error::Database(error)) if violated_constraint(&error) == Some("users_username_key_key") => {
                self.verify(proof, origin).await
            }
            // Another user has verified the address.
            Err(Error::Database(error)) if violated_constraint(&error) == Some("users_email_key_key") => {
                Err(ProblemCode::VerificationInvalid.into())
            }
            result => result,
        }
    }

    async fn verify(&self, proof: &ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        let attempts = self.count_proof_attempt(proof, origin).await?;
        let mut transaction = self.pool.begin().await?;
        self.lock_email_of_proof(&mut transaction, proof).await?;
        let purposes = [Purpose::VerifyEmail, Purpose::ChangeEmail];
        let challenge = match self.resolve_challenge(&mut transaction, proof, &purposes).await {
            Ok(challenge) => challenge,
            // The same email was used before.
            Err(Error::Problem(ProblemCode::VerificationInvalid))
                if self.has_verified(&mut transaction, proof).await? =>
            {
                self.refund_proof_attempt(&mut transaction, &attempts).await?;
                return Ok(transaction.commit().await?);
            }
            Err(error) => {
                // A wrong code counts, so commit in either case.
                transaction.commit().await?;
                return Err(error);
            }
        };
        self.refund_proof_attempt(&mut transaction, &attempts).await?;
        let origin = &Self::authenticated_origin(challenge.user_id, origin);
        challenges::close(&mut transaction, challenge.id, self.clock.now()).await?;
        match challenge.purpose {
            Purpose::VerifyEmail => self.activate_user(&mut transaction, challenge.user_id, origin).await?,
            Purpose::ChangeEmail => self.change_email(&mut transaction, &challenge, origin).await?,
            Purpose::ResetPassword => return Err(ProblemCode::VerificationInvalid.into()),
        }
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }

    /// Serializes verifications of the address that `proof` is for.
    async fn lock_email_of_proof(
        &self,
        connection: &mut PgConnection,
        proof: &ChallengeProof,
    ) -> Result<(), Error> {
        let key = match proof {
            ChallengeProof::Token(token) => {
                challenges::find_email_key_by_token(connection, &self.secrets.token_hash(token)).await?
            }
            ChallengeProof::Code { email, .. } => Email::parse(email).map(|email| email.key().to_owned()),
        };
        let key = key.ok_or(ProblemCode::VerificationInvalid)?;
        Ok(users::lock_email(connection, &key).await?)
    }

    /// Returns whether `proof` was used before and its address is verified.
    async fn has_verified(
        &self,
        connection: &mut PgConnection,
        proof: &ChallengeProof,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        match proof {
            ChallengeProof::Token(token) => {
                let hash = self.secrets.token_hash(token);
                Ok(challenges::has_verified(connection, &hash, now).await?)
            }
            ChallengeProof::Code { email, code } => {
                let email = Email::parse(email).ok_or(ProblemCode::VerificationInvalid)?;
                let spent = challenges::list_consumed_codes(connection, email.key(), now).await?;
                Ok(spent.iter().any(|(id, hash)| self.code_matches(*id, hash, code)))
            }
        }
    }

    /// Marks the address as verified and creates the household.
    /// It also releases the other registrations of the address.
    async fn activate_user(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let user = users::lock(connection, user_id).await?.ok_or(ProblemCode::VerificationInvalid)?;
        if user.email_verified || user.erased_at.is_some() {
            return Err(ProblemCode::VerificationInvalid.into());
        }
        let version = users::verify(connection, user_id, now).await?;
        let profile = users::profile(connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let email = Email::parse(&profile.email).ok_or(ProblemCode::VerificationInvalid)?;
        self.release_email(connection, &email, Some(user_id), origin).await?;
        let preferences = preferences::find(connection, user_id).await?.ok_or(Error::NotFound("user"))?;
        let household_id = self.random.id(now);
        let (currency, timezone) = (&preferences.default_currency, &preferences.timezone);
        households::insert(connection, household_id, user_id, currency, timezone, now).await?;
        let created = ChangeEvent {
            user_id,
            household_id: Some(household_id),
            entity: "household",
            entity_id: household_id,
            version: 1,
            kind: "created",
            changed: &["currency_code", "timezone"],
        };
        self.record(connection, created, origin).await?;
        let verified = ChangeEvent::for_user(user_id, version, "verified", &["email_verified_at"]);
        let verified = ChangeEvent { household_id: Some(household_id), ..verified };
        Ok(self.record(connection, verified, origin).await?)
    }

    /// Releases the address from all unverified registrations except one.
    pub(super) async fn release_email(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        except: Option<Uuid>,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        let released = users::release_unverified(connection, email.key(), except, self.clock.now()).await?;
        // Their events must not name the user who verified the address.
        let origin = &RequestOrigin {
            actor: "auth".to_owned(),
            request_id: origin.request_id.clone(),
            ..RequestOrigin::default()
        };
        for (user_id, version) in released {
            self.record(connection, ChangeEvent::for_user(user_id, version, "released", &["email"]), origin)
                .await?;
        }
        Ok(())
    }

    /// Applies a confirmed email change and notifies the previous address.
    async fn change_email(
        &self,
        connection: &mut PgConnection,
        challenge: &Challenge,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        let (user_id, now) = (challenge.user_id, self.clock.now());
        let user = users::lock(connection, user_id).await?.ok_or(ProblemCode::VerificationInvalid)?;
        let email =
            challenge.email.as_deref().and_then(Email::parse).ok_or(ProblemCode::VerificationInvalid)?;
        let previous =
            users::profile(connection, user_id).await?.ok_or(ProblemCode::VerificationInvalid)?.email;
        if user.erase_at.is_some() || !user.may_log_in() {
            return Err(ProblemCode::VerificationInvalid.into());
        }
        self.release_email(connection, &email, None, origin).await?;
        let version = users::set_email(connection, user_id, &email, now).await?;
        // Emails that were sent to the previous address become void.
        challenges::close_all(connection, user_id, Purpose::ResetPassword, now).await?;
        challenges::set_previous_email(connection, challenge.id, &previous).await?;
        let changed_event = ChangeEvent {
            user_id,
            household_id: None,
            entity: "challenge",
            entity_id: challenge.id,
            version: 2,
            kind: "email_changed",
            changed: &[],
        };
        self.record(connection, changed_event, origin).await?;
        self.record_security_event(connection, Some(user_id), "email_changed", None, "", origin).await?;
        let changed = ChangeEvent::for_user(user_id, version, "updated", &["email"]);
        Ok(self.record(connection, changed, origin).await?)
    }
}
