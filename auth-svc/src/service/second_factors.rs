//! Enrollment, removal and verification of second factors.
//! The caller of a verification holds the user's lock, so that each code works once.

use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_service::use_case::{EntityChange, WriteTransaction};
use sqlx::PgConnection;
use uuid::Uuid;

use super::throttling::CountedAttempt;
use super::{IdentityUseCases, commit_and_reject, user_change};
use crate::domain::second_factor::{self, Code, Enrollment};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::second_factors;
use crate::store::users::{self, Credentials};

/// The result of checking a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FactorCheck {
    /// The user has no second factor.
    NotEnrolled,
    Missing,
    Wrong,
    Right,
    RightRecoveryCode,
}

impl IdentityUseCases {
    /// Checks `code` and consumes it if it is valid.
    async fn second_factor(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        code: &str,
    ) -> Result<FactorCheck, Error> {
        let totp = second_factors::find(connection, user_id).await?;
        let Some(totp) = totp.filter(|totp| totp.confirmed_at.is_some()) else {
            return Ok(FactorCheck::NotEnrolled);
        };
        let now = self.clock.now();
        match Code::parse(code) {
            None => Ok(FactorCheck::Missing),
            Some(Code::Totp(digits)) => {
                let seed = self.decrypt_seed(user_id, &totp.secret)?;
                let Some(step) = second_factor::matching_step(&seed, &digits, now) else {
                    return Ok(FactorCheck::Wrong);
                };
                let is_valid = second_factors::consume_step(connection, user_id, step).await?;
                Ok(if is_valid { FactorCheck::Right } else { FactorCheck::Wrong })
            }
            Some(Code::Recovery(text)) => {
                let hash = self.secrets.recovery_hash(user_id, &text);
                let is_valid = second_factors::consume_recovery_code(connection, user_id, &hash, now).await?;
                Ok(if is_valid { FactorCheck::RightRecoveryCode } else { FactorCheck::Wrong })
            }
        }
    }

    /// Counts a code before it is checked; an empty code is not counted.
    pub(super) async fn count_code_attempt(
        &self,
        user_id: Uuid,
        code: &str,
    ) -> Result<Option<CountedAttempt>, Error> {
        if Code::parse(code).is_none() {
            return Ok(None);
        }
        Ok(Some(self.attempt(Scope::SecondFactor, &user_id.to_string()).await?.require_allowed()?))
    }

    /// Requires the second factor of a user who has one.
    /// The password was correct. `attempt` is the result of [`Self::count_code_attempt`]. The
    /// transaction is committed if the factor is missing or wrong.
    pub(super) async fn require_second_factor(
        &self,
        mut transaction: WriteTransaction,
        user: &Credentials,
        code: &str,
        attempt: Option<CountedAttempt>,
    ) -> Result<WriteTransaction, Error> {
        let factor = self.second_factor(&mut transaction, user.id, code).await?;
        if let Some(attempt) = &attempt {
            match factor {
                FactorCheck::Right | FactorCheck::RightRecoveryCode => {
                    attempt.reset(&mut transaction).await?;
                }
                FactorCheck::NotEnrolled => attempt.refund(&mut transaction).await?,
                FactorCheck::Wrong => {
                    self.record_failed_attempt(&mut transaction, user, attempt, "mfa_rejected").await?;
                }
                FactorCheck::Missing => {}
            }
        }
        match factor {
            FactorCheck::NotEnrolled | FactorCheck::Right => Ok(transaction),
            FactorCheck::RightRecoveryCode => {
                self.record_account_change(&mut transaction, user.id, "recovery_code_used", &["mfa"]).await?;
                Ok(transaction)
            }
            FactorCheck::Missing => commit_and_reject(transaction, ProblemCode::MfaRequired).await,
            FactorCheck::Wrong => commit_and_reject(transaction, ProblemCode::MfaCodeInvalid).await,
        }
    }

    /// Creates a seed, which takes effect once it is confirmed.
    pub async fn enroll_totp(&self, ctx: &RequestContext) -> Result<Enrollment, Error> {
        let user_id = ctx.principal.user_id;
        let seed = second_factor::seed(&self.random);
        let encrypted = self.config.data_keys.encrypt(&self.random, &totp_secret_aad(user_id), &seed);
        let mut transaction = self.begin(ctx).await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        if second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(ProblemCode::MfaEnabled.into());
        }
        second_factors::enroll(&mut transaction, user_id, &encrypted, self.clock.now()).await?;
        let enrolled = EntityChange { entity: "second_factor", ..user_change(user_id, 1, "enrolled", &[]) };
        transaction.record_change(enrolled).await?;
        let profile = users::profile(&mut transaction, user_id).await?;
        let profile = profile.ok_or_else(|| Error::not_found("user"))?;
        transaction.commit().await?;
        let unusable = || Error::Internal("the enrollment could not be encoded".to_owned());
        second_factor::enrollment(&seed, &profile.email).ok_or_else(unusable)
    }

    /// Confirms an enrollment with its first code and returns the recovery codes.
    pub async fn confirm_totp(&self, ctx: &RequestContext, code: &str) -> Result<Vec<String>, Error> {
        let user_id = ctx.principal.user_id;
        let now = self.clock.now();
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.begin(ctx).await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        let totp = second_factors::find(&mut transaction, user_id).await?;
        let totp = totp.ok_or(ProblemCode::MfaNotEnrolled)?;
        if totp.confirmed_at.is_some() {
            return Err(ProblemCode::MfaEnabled.into());
        }
        let seed = self.decrypt_seed(user_id, &totp.secret)?;
        let step = match Code::parse(code) {
            Some(Code::Totp(digits)) => second_factor::matching_step(&seed, &digits, now),
            Some(Code::Recovery(_)) | None => None,
        };
        let step = step.ok_or_else(|| FieldViolation::from_code("code", FieldCode::CodeInvalid))?;
        second_factors::consume_step(&mut transaction, user_id, step).await?;
        second_factors::confirm(&mut transaction, user_id, now).await?;
        let codes = second_factor::recovery_codes(&self.random);
        let hashes: Vec<_> = codes.iter().map(|code| self.recovery_hash(user_id, code)).collect();
        second_factors::set_recovery_codes(&mut transaction, user_id, &hashes).await?;
        if let Some(attempt) = &attempt {
            attempt.reset(&mut transaction).await?;
        }
        self.record_account_change(&mut transaction, user_id, "mfa_enabled", &["mfa"]).await?;
        transaction.commit().await?;
        Ok(codes)
    }

    /// Removes the second factor after verifying the password and a code.
    pub async fn remove_totp(&self, ctx: &RequestContext, password: &str, code: &str) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let reauthentication = self.reauthenticate_with_password(ctx, "password", password.into()).await?;
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.begin(ctx).await?;
        let user = self.lock_reauthenticated(&mut transaction, &reauthentication).await?;
        if !second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(ProblemCode::MfaNotEnrolled.into());
        }
        let mut transaction = self.require_second_factor(transaction, &user, code, attempt).await?;
        self.delete_second_factor(&mut transaction, user_id).await?;
        transaction.commit().await
    }

    /// Deletes the second factor and records the change, for which an email is sent.
    pub(super) async fn delete_second_factor(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
    ) -> Result<(), Error> {
        second_factors::delete(transaction, user_id).await?;
        self.record_account_change(transaction, user_id, "mfa_disabled", &["mfa"]).await
    }

    fn decrypt_seed(&self, user_id: Uuid, encrypted: &str) -> Result<Vec<u8>, Error> {
        let decrypted = self.config.data_keys.decrypt(&totp_secret_aad(user_id), encrypted);
        decrypted.map_err(|error| Error::Internal(error.to_string()))
    }

    fn recovery_hash(&self, user_id: Uuid, code: &str) -> Vec<u8> {
        let bare = match Code::parse(code) {
            Some(Code::Recovery(bare) | Code::Totp(bare)) => bare,
            None => String::new(),
        };
        self.secrets.recovery_hash(user_id, &bare).to_vec()
    }
}

/// Returns the associated data of an encrypted seed.
pub(super) fn totp_secret_aad(user_id: Uuid) -> String {
    format!("totp/{user_id}/secret")
}
