//! Verifies an email address by link or code.
//! For a new user it also creates the household; for an email change it applies the change.

use kit_access::caller::RequestOrigin;
use kit_core::error::ProblemCode;
use kit_db::violated_constraint;
use kit_service::use_case::{EntityChange, WriteTransaction};
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::throttling::refund_all;
use super::{ChallengeProof, IdentityUseCases, commit_and_reject, set_authenticated, user_change};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::error::Error;
use crate::store::challenges::{self, Challenge};
use crate::store::users::Credentials;
use crate::store::{preferences, users};

impl IdentityUseCases {
    pub async fn verify_email(&self, proof: ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        uniform_duration(self.try_to_verify(&proof, origin)).await
    }

    async fn try_to_verify(&self, proof: &ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        let result = self.verify(proof, origin).await;
        let Err(Error::Database(error)) = &result else { return result };
        match violated_constraint(error) {
            // A concurrent verification took the username; retry without it.
            Some("users_username_key_key") => self.verify(proof, origin).await,
            // Another user has verified the address.
            Some("users_email_key_key") => Err(ProblemCode::VerificationInvalid.into()),
            _ => result,
        }
    }

    async fn verify(&self, proof: &ChallengeProof, origin: &RequestOrigin) -> Result<(), Error> {
        let attempts = self.count_proof_attempt(proof, origin).await?;
        let mut transaction = self.begin(origin).await?;
        self.lock_email_of_proof(&mut transaction, proof).await?;
        let purposes = [Purpose::VerifyEmail, Purpose::ChangeEmail];
        let challenge = match self.resolve_challenge(&mut transaction, proof, &purposes).await {
            Ok(challenge) => challenge,
            // The same email was used before.
            Err(error)
                if error.code() == Some(ProblemCode::VerificationInvalid)
                    && self.has_verified(&mut transaction, proof).await? =>
            {
                refund_all(&mut transaction, &attempts).await?;
                return transaction.commit().await;
            }
            // A wrong code counts, so commit in either case.
            Err(error) => return commit_and_reject(transaction, error).await,
        };
        refund_all(&mut transaction, &attempts).await?;
        set_authenticated(&mut transaction, challenge.user_id);
        challenges::close(&mut transaction, challenge.id, self.clock.now()).await?;
        match challenge.purpose {
            Purpose::VerifyEmail => self.activate_user(&mut transaction, challenge.user_id).await?,
            Purpose::ChangeEmail => self.change_email(&mut transaction, &challenge).await?,
            Purpose::ResetPassword => return Err(ProblemCode::VerificationInvalid.into()),
        }
        transaction.commit().await
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
    async fn activate_user(&self, transaction: &mut WriteTransaction, user_id: Uuid) -> Result<(), Error> {
        let user = users::lock(transaction, user_id).await?.ok_or(ProblemCode::VerificationInvalid)?;
        if user.email_verified || user.erased_at.is_some() {
            return Err(ProblemCode::VerificationInvalid.into());
        }
        let version = users::verify(transaction, user_id, self.clock.now()).await?;
        let profile = users::profile(transaction, user_id).await?.ok_or_else(|| Error::not_found("user"))?;
        let email = Email::parse(&profile.email).ok_or(ProblemCode::VerificationInvalid)?;
        self.release_email(transaction, &email, Some(user_id)).await?;
        let preferences = preferences::find(transaction, user_id).await?;
        let preferences = preferences.ok_or_else(|| Error::not_found("user"))?;
        let household_id = Some(self.create_household(transaction, user_id, &preferences).await?);
        let change = user_change(user_id, version, "verified", &["email_verified_at"]);
        Ok(transaction.record_change(EntityChange { household_id, ..change }).await?)
    }

    /// Releases the address from all unverified registrations except one.
    pub(super) async fn release_email(
        &self,
        transaction: &mut WriteTransaction,
        email: &Email,
        except: Option<Uuid>,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let released = users::release_unverified(transaction, email.key(), except, now).await?;
        // Their events must not name the user who verified the address.
        let request_id = transaction.actor().origin.request_id.clone();
        let origin = RequestOrigin { actor: "auth".to_owned(), request_id, ..RequestOrigin::default() };
        for (user_id, version) in released {
            let change = user_change(user_id, version, "released", &["email"]);
            self.record_change(transaction, change, &origin).await?;
        }
        Ok(())
    }

    /// Applies a confirmed email change and notifies the previous address.
    async fn change_email(
        &self,
        transaction: &mut WriteTransaction,
        challenge: &Challenge,
    ) -> Result<(), Error> {
        let (user_id, now) = (challenge.user_id, self.clock.now());
        let user = users::lock(transaction, user_id).await?;
        let email = challenge.email.as_deref().and_then(Email::parse);
        let previous = users::profile(transaction, user_id).await?;
        let can_change = |user: &Credentials| user.erase_at.is_none() && user.may_log_in();
        let (Some(email), Some(previous), true) = (email, previous, user.as_ref().is_some_and(can_change))
        else {
            return Err(ProblemCode::VerificationInvalid.into());
        };
        self.release_email(transaction, &email, None).await?;
        let version = users::set_email(transaction, user_id, &email, now).await?;
        // Emails that were sent to the previous address become void.
        challenges::close_all(transaction, user_id, Purpose::ResetPassword, now).await?;
        challenges::set_previous_email(transaction, challenge.id, &previous.email).await?;
        let change = user_change(user_id, 2, "email_changed", &[]);
        let change = EntityChange { entity: "challenge", entity_id: challenge.id, ..change };
        transaction.record_change(change).await?;
        self.record_security_event(transaction, Some(user_id), "email_changed", None).await?;
        Ok(transaction.record_change(user_change(user_id, version, "updated", &["email"])).await?)
    }
}
