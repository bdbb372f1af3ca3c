//! Enrollment, removal and verification of second factors.
//! The caller of a verification holds the user's lock, so that each code works once.

use fintrac_kit::access::RequestContext;
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::error::{FieldCode, FieldViolation, ProblemCode};
use sqlx::PgConnection;
use uuid::Uuid;

use super::throttling::{Attempt, CountedAttempt};
use super::{ChangeEvent, IdentityUseCases};
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
    Right {
        by_recovery_code: bool,
    },
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
        let is_valid = match Code::parse(code) {
            None => return Ok(FactorCheck::Missing),
            Some(Code::Totp(digits)) => {
                let seed = self.decrypt_seed(user_id, &totp.secret)?;
                match second_factor::matching_step(&seed, &digits, now) {
                    Some(step) => second_factors::consume_step(connection, user_id, step).await?,
                    None => false,
                }
            }
            Some(Code::Recovery(text)) => {
                let hash = self.secrets.recovery_hash(user_id, &text);
                let is_valid = second_factors::consume_recovery_code(connection, user_id, &hash, now).await?;
                return Ok(if is_valid {
                    FactorCheck::Right { by_recovery_code: true }
                } else {
                    FactorCheck::Wrong
                });
            }
        };
        Ok(if is_valid { FactorCheck::Right { by_recovery_code: false } } else { FactorCheck::Wrong })
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
        match self.attempt(Scope::SecondFactor, &user_id.to_string()).await? {
            Attempt::Allowed(attempt) => Ok(Some(attempt)),
            Attempt::Blocked(wait) => Err(Error::Throttled(wait)),
        }
    }

    /// Requires the second factor of a user who has one.
    /// The password was correct. `attempt` is the result of [`Self::count_code_attempt`]. The
    /// caller commits in either case.
    pub(super) async fn require_second_factor(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        code: &str,
        attempt: Option<CountedAttempt>,
        origin: &RequestOrigin,
    ) -> Result<Result<(), Error>, Error> {
        let factor = self.second_factor(connection, user.id, code).await?;
        match (factor, &attempt) {
            (FactorCheck::Right { .. }, Some(attempt)) => self.reset(connection, attempt).await?,
            (FactorCheck::NotEnrolled, Some(attempt)) => self.refund(connection, attempt).await?,
            (FactorCheck::Wrong, Some(attempt)) => {
                self.record_failed_attempt(connection, user, attempt, "mfa_rejected", origin).await?;
            }
            (_, None) | (FactorCheck::Missing, _) => {}
        }
        match factor {
            FactorCheck::NotEnrolled | FactorCheck::Right { by_recovery_code: false } => Ok(Ok(())),
            FactorCheck::Right { by_recovery_code: true } => {
                self.record_mfa_change(connection, user.id, "recovery_code_used", origin).await?;
                Ok(Ok(()))
            }
            FactorCheck::Missing => Ok(Err(ProblemCode::MfaRequired.into())),
            FactorCheck::Wrong => Ok(Err(ProblemCode::MfaCodeInvalid.into())),
        }
    }

    /// Creates a seed, which takes effect once it is confirmed.
    pub async fn enroll_totp(&self, ctx: &RequestContext) -> Result<Enrollment, Error> {
        let user_id = ctx.principal.user_id;
        let seed = second_factor::seed(&self.random);
        let encrypted = self.config.data_keys.encrypt(&self.random, &totp_secret_aad(user_id), &seed);
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        if second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(ProblemCode::MfaEnabled.into());
        }
        second_factors::enroll(&mut transaction, user_id, &encrypted, self.clock.now()).await?;
        let enrolled = ChangeEvent {
            user_id,
            household_id: None,
            entity: "second_factor",
            entity_id: user_id,
            version: 1,
            kind: "enrolled",
            changed: &[],
        };
        self.record(&mut transaction, enrolled, &ctx.origin).await?;
        let profile = users::profile(&mut transaction, user_id).await?.ok_or(Error::NotFound("user"))?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        let unusable = || Error::Internal("the enrollment could not be encoded".to_owned());
        second_factor::enrollment(&seed, &profile.email).ok_or_else(unusable)
    }

    /// Confirms an enrollment with its first code and returns the recovery codes.
    pub async fn confirm_totp(&self, ctx: &RequestContext, code: &str) -> Result<Vec<String>, Error> {
        let (user_id, origin) = (ctx.principal.user_id, &ctx.origin);
        let now = self.clock.now();
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        let totp =
            second_factors::find(&mut transaction, user_id).await?.ok_or(ProblemCode::MfaNotEnrolled)?;
        if totp.confirmed_at.is_some() {
            return Err(ProblemCode::MfaEnabled.into());
        }
        let seed = self.decrypt_seed(user_id, &totp.secret)?;
        let step = match Code::parse(code) {
            Some(Code::Totp(digits)) => second_factor::matching_step(&seed, &digits, now),
            Some(Code::Recovery(_)) | None => None,
        };
        let Some(step) = step else {
            return Err(Error::Invalid(vec![FieldViolation::from_code("code", FieldCode::CodeInvalid)]));
        };
        second_factors::consume_step(&mut transaction, user_id, step).await?;
        second_factors::confirm(&mut transaction, user_id, now).await?;
        let codes = second_factor::recovery_codes(&self.random);
        let hashes: Vec<_> = codes.iter().map(|code| self.recovery_hash(user_id, code)).collect();
        second_factors::set_recovery_codes(&mut transaction, user_id, &hashes).await?;
        if let Some(attempt) = &attempt {
            self.reset(&mut transaction, attempt).await?;
        }
        self.record_mfa_change(&mut transaction, user_id, "mfa_enabled", origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(codes)
    }

    /// Removes the second factor after verifying the password and a code.
    pub async fn remove_totp(&self, ctx: &RequestContext, password: &str, code: &str) -> Result<(), Error> {
        let (user_id, origin) = (ctx.principal.user_id, &ctx.origin);
        let reauthentication =
            self.reauthenticate_with_password(user_id, "password", password.into(), origin).await?;
        let attempt = self.count_code_attempt(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        let user =
            self.lock_reauthenticated(&mut transaction, user_id, "password", &reauthentication).await?;
        if !second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(ProblemCode::MfaNotEnrolled.into());
        }
        if let Err(rejection) =
            self.require_second_factor(&mut transaction, &user, code, attempt, origin).await?
        {
            transaction.commit().await?;
            return Err(rejection);
        }
        second_factors::delete(&mut transaction, user_id).await?;
        self.record_mfa_change(&mut transaction, user_id, "mfa_disabled", origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }

    /// Records the security event and the event for which an email is sent.
    pub(super) async fn record_mfa_change(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        kind: &'static str,
        origin: &RequestOrigin,
    ) -> Result<(), Error> {
        self.record_security_event(connection, Some(user_id), kind, None, "", origin).await?;
        let version = users::increment_version(connection, user_id, self.clock.now()).await?;
        Ok(self.record(connection, ChangeEvent::for_user(user_id, version, kind, &["mfa"]), origin).await?)
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
