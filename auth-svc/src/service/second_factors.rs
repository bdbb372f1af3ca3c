//! Second factors: enrolment, removal, and the check at every door they guard.
//! The caller of the check holds the user's lock: a code works once.

use fintrac_kit::access::By;
use fintrac_kit::access::caller::Origin;
use fintrac_kit::error::Violation;
use sqlx::PgConnection;
use uuid::Uuid;

use super::throttling::{Attempt, Ticket};
use super::{Change, Identity};
use crate::domain::second_factor::{self, Code, Enrolment};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::second_factors;
use crate::store::users::{self, Credentials};

/// What a code came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Factor {
    /// The user has no second factor.
    NotNeeded,
    Missing,
    Wrong,
    Right {
        by_recovery_code: bool,
    },
}

impl Identity {
    /// Checks and spends `code`.
    async fn second_factor(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        code: &str,
    ) -> Result<Factor, Error> {
        let totp = second_factors::find(connection, user_id).await?;
        let Some(totp) = totp.filter(|totp| totp.confirmed_at.is_some()) else {
            return Ok(Factor::NotNeeded);
        };
        let now = self.clock.now();
        let spent = match Code::parse(code) {
            None => return Ok(Factor::Missing),
            Some(Code::Totp(digits)) => {
                let seed = self.open_seed(user_id, &totp.secret)?;
                match second_factor::step_of(&seed, &digits, now) {
                    Some(step) => second_factors::spend_step(connection, user_id, step).await?,
                    None => false,
                }
            }
            Some(Code::Recovery(text)) => {
                let hash = self.secrets.recovery_hash(user_id, &text);
                let spent = second_factors::spend_recovery_code(connection, user_id, &hash, now).await?;
                return Ok(if spent { Factor::Right { by_recovery_code: true } } else { Factor::Wrong });
            }
        };
        Ok(if spent { Factor::Right { by_recovery_code: false } } else { Factor::Wrong })
    }

    /// Counts a code before it is checked; nothing without one.
    pub(super) async fn count_code(&self, user_id: Uuid, code: &str) -> Result<Option<Ticket>, Error> {
        if Code::parse(code).is_none() {
            return Ok(None);
        }
        match self.attempt(Scope::SecondFactor, &user_id.to_string()).await? {
            Attempt::Counted(ticket) => Ok(Some(ticket)),
            Attempt::Blocked(wait) => Err(Error::Throttled(wait)),
        }
    }

    /// Asks for the second factor of a user whose password was right, if he has one.
    /// `ticket` is of [`Self::count_code`]. Commit in either case.
    pub(super) async fn ask_for_code(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        code: &str,
        ticket: Option<Ticket>,
        origin: &Origin,
    ) -> Result<Result<(), Error>, Error> {
        let factor = self.second_factor(connection, user.id, code).await?;
        match (factor, &ticket) {
            (Factor::Right { .. }, Some(ticket)) => self.forgive(connection, ticket).await?,
            (Factor::NotNeeded, Some(ticket)) => self.take_back(connection, ticket).await?,
            (Factor::Wrong, Some(ticket)) => {
                self.note_failure(connection, user, ticket, "mfa_refused", origin).await?;
            }
            (_, None) | (Factor::Missing, _) => {}
        }
        match factor {
            Factor::NotNeeded | Factor::Right { by_recovery_code: false } => Ok(Ok(())),
            Factor::Right { by_recovery_code: true } => {
                self.tell_of_mfa(connection, user.id, "recovery_code_used", origin).await?;
                Ok(Ok(()))
            }
            Factor::Missing => Ok(Err(Error::MfaRequired)),
            Factor::Wrong => Ok(Err(Error::MfaCodeInvalid)),
        }
    }

    /// A new seed, which counts once it is confirmed.
    pub async fn enrol_totp(&self, by: &By) -> Result<Enrolment, Error> {
        let user_id = by.principal.user_id;
        let seed = second_factor::seed(&self.random);
        let sealed = self.config.data_keys.seal(&self.random, &seed_row(user_id), &seed);
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, by).await?;
        if second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(Error::MfaEnabled);
        }
        second_factors::enrol(&mut transaction, user_id, &sealed, self.clock.now()).await?;
        let enrolled = Change {
            user_id,
            household_id: None,
            entity: "second_factor",
            entity_id: user_id,
            version: 1,
            kind: "enrolled",
            changed: &[],
        };
        self.record(&mut transaction, enrolled, &by.origin).await?;
        let profile = users::profile(&mut transaction, user_id).await?.ok_or(Error::NotFound("user"))?;
        transaction.commit().await?;
        self.bell.ring();
        let unusable = || Error::Internal("the enrolment cannot be written".to_owned());
        second_factor::enrolment(&seed, &profile.email).ok_or_else(unusable)
    }

    /// Puts an enrolment in force by its first code; the recovery codes.
    pub async fn confirm_totp(&self, by: &By, code: &str) -> Result<Vec<String>, Error> {
        let (user_id, origin) = (by.principal.user_id, &by.origin);
        let now = self.clock.now();
        let ticket = self.count_code(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        self.ensure_reauthenticated(&mut transaction, by).await?;
        let totp = second_factors::find(&mut transaction, user_id).await?.ok_or(Error::MfaNotEnrolled)?;
        if totp.confirmed_at.is_some() {
            return Err(Error::MfaEnabled);
        }
        let seed = self.open_seed(user_id, &totp.secret)?;
        let step = match Code::parse(code) {
            Some(Code::Totp(digits)) => second_factor::step_of(&seed, &digits, now),
            Some(Code::Recovery(_)) | None => None,
        };
        let Some(step) = step else {
            let text = "Send the six digits that the app shows now.";
            return Err(Error::Invalid(vec![Violation::new("code", "CODE_INVALID", text)]));
        };
        second_factors::spend_step(&mut transaction, user_id, step).await?;
        second_factors::confirm(&mut transaction, user_id, now).await?;
        let codes = second_factor::recovery_codes(&self.random);
        let hashes: Vec<_> = codes.iter().map(|code| self.recovery_hash(user_id, code)).collect();
        second_factors::set_recovery_codes(&mut transaction, user_id, &hashes).await?;
        if let Some(ticket) = &ticket {
            self.forgive(&mut transaction, ticket).await?;
        }
        self.tell_of_mfa(&mut transaction, user_id, "mfa_enabled", origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(codes)
    }

    /// Removes the second factor: password and a code, like a login.
    pub async fn remove_totp(&self, by: &By, password: &str, code: &str) -> Result<(), Error> {
        let (user_id, origin) = (by.principal.user_id, &by.origin);
        let proved = self.prove_password(user_id, "password", password.into(), origin).await?;
        let ticket = self.count_code(user_id, code).await?;
        let mut transaction = self.pool.begin().await?;
        let user = self.lock_proved(&mut transaction, user_id, "password", &proved).await?;
        if !second_factors::is_enabled(&mut transaction, user_id).await? {
            return Err(Error::MfaNotEnrolled);
        }
        if let Err(refusal) = self.ask_for_code(&mut transaction, &user, code, ticket, origin).await? {
            transaction.commit().await?;
            return Err(refusal);
        }
        second_factors::delete(&mut transaction, user_id).await?;
        self.tell_of_mfa(&mut transaction, user_id, "mfa_disabled", origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Security event, and an event that asks for the mail.
    pub(super) async fn tell_of_mfa(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        kind: &'static str,
        origin: &Origin,
    ) -> Result<(), Error> {
        self.note_security(connection, Some(user_id), kind, None, "", origin).await?;
        let version = users::bump(connection, user_id, self.clock.now()).await?;
        Ok(self.record(connection, Change::of_user(user_id, version, kind, &["mfa"]), origin).await?)
    }

    fn open_seed(&self, user_id: Uuid, sealed: &str) -> Result<Vec<u8>, Error> {
        let opened = self.config.data_keys.open(&seed_row(user_id), sealed);
        opened.map_err(|error| Error::Internal(error.to_string()))
    }

    fn recovery_hash(&self, user_id: Uuid, code: &str) -> Vec<u8> {
        let bare = match Code::parse(code) {
            Some(Code::Recovery(bare) | Code::Totp(bare)) => bare,
            None => String::new(),
        };
        self.secrets.recovery_hash(user_id, &bare).to_vec()
    }
}

/// The associated data of an encrypted seed.
pub(super) fn seed_row(user_id: Uuid) -> String {
    format!("totp/{user_id}/secret")
}
