//! Sets a new password with the proof from an email.
//! It ends every session; the second factor stays enabled.

use kit_access::caller::RequestOrigin;
use kit_core::error::ProblemCode;
use sqlx::PgConnection;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::throttling::{CountedAttempt, refund_all};
use super::{ChallengeProof, IdentityUseCases, commit_and_reject, set_authenticated};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::password;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::challenges;
use crate::store::users::{self, Credentials};

impl IdentityUseCases {
    pub async fn reset_password(
        &self,
        proof: ChallengeProof,
        new_password: &str,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        uniform_duration(self.try_to_reset(proof, new_password, origin)).await
    }

    async fn try_to_reset(
        &self,
        proof: ChallengeProof,
        new_password: &str,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        let attempts = self.count_proof_attempt(&proof, origin).await?;
        let user_id = self.user_to_reset(&proof, new_password, &attempts).await?;
        // Hash without holding a lock, then resolve the challenge again under the lock.
        let hash = self.passwords.hash(new_password.into()).await?;
        let mut transaction = self.begin(origin).await?;
        let resolved = self.resolve_challenge(&mut transaction, &proof, &[Purpose::ResetPassword]).await;
        let challenge = match resolved {
            Ok(challenge) => challenge,
            Err(error) => return commit_and_reject(transaction, error).await,
        };
        // The address may belong to another user by now.
        if challenge.user_id != user_id {
            return Err(ProblemCode::VerificationInvalid.into());
        }
        set_authenticated(&mut transaction, user_id);
        let now = self.clock.now();
        challenges::close(&mut transaction, challenge.id, now).await?;
        users::set_password_hash(&mut transaction, user_id, &hash).await?;
        self.end_all_sessions(&mut transaction, user_id).await?;
        // Cancel an email change that an attacker may have requested.
        challenges::close_all(&mut transaction, user_id, Purpose::ChangeEmail, now).await?;
        self.reset_scope(&mut transaction, Scope::Account, &user_id.to_string()).await?;
        self.record_account_change(&mut transaction, user_id, "password_reset", &["password"]).await?;
        self.publish(transaction.commit()).await
    }

    /// Returns the user of the proof if the new password is acceptable.
    /// A rejected password does not use up the proof.
    async fn user_to_reset(
        &self,
        proof: &ChallengeProof,
        new_password: &str,
        attempts: &[CountedAttempt],
    ) -> Result<Uuid, Error> {
        let mut transaction = self.pool.begin().await?;
        let checked = async {
            let challenge =
                self.resolve_challenge(&mut transaction, proof, &[Purpose::ResetPassword]).await?;
            refund_all(&mut transaction, attempts).await?;
            let user = users::lock(&mut transaction, challenge.user_id).await?;
            let user = user.filter(Credentials::may_log_in).ok_or(ProblemCode::VerificationInvalid)?;
            self.check_new_password(&mut transaction, user.id, new_password).await?;
            Ok(user.id)
        };
        let checked = checked.await;
        // A wrong code counts, so commit in either case.
        transaction.commit().await?;
        checked
    }

    /// Rejects a password that violates the rules for this user.
    pub(super) async fn check_new_password(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        new_password: &str,
    ) -> Result<(), Error> {
        let profile = users::profile(connection, user_id).await?.ok_or_else(|| Error::not_found("user"))?;
        let email = Email::parse(&profile.email);
        let local = email.as_ref().map_or("", Email::local_part);
        let context = [local.to_owned(), profile.first_name, profile.last_name];
        let new_password = new_password.to_owned();
        let assess =
            move || password::check("new_password", &new_password, &context.each_ref().map(String::as_str));
        match self.passwords.assess(assess).await? {
            Some(violation) => Err(violation.into()),
            None => Ok(()),
        }
    }
}
