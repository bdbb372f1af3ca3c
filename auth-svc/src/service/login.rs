//! Login.
//! A wrong password, an unknown user and too many attempts have the same response and duration;
//! only the right password reveals more.

use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::access::network_key;
use fintrac_kit::error::{FieldCode, FieldViolation, ProblemCode};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::passwords::PasswordVerification;
use super::throttling::{Attempt, CountedAttempt};
use super::{ChangeEvent, CurrentUser, IdentityUseCases, TokenPair};
use crate::domain::device::Device;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};
use crate::store::{devices, households};

/// The number of failures in a row after which the user is notified.
const FAILURES_BEFORE_NOTIFICATION: i32 = 10;

/// The credentials and the device of a login.
#[derive(Debug)]
pub struct Login {
    pub email: String,
    pub username: String,
    pub password: SecretString,
    /// The device as the client describes it.
    pub device: Device,
    /// A code of the second factor; may be empty.
    pub code: String,
}

#[derive(Debug)]
pub struct LoginOutcome {
    pub tokens: TokenPair,
    pub current_user: CurrentUser,
}

impl IdentityUseCases {
    pub async fn login(&self, login: Login, origin: &RequestOrigin) -> Result<LoginOutcome, Error> {
        validate(&login)?;
        let ip_attempts = self.attempt_from(Scope::CredentialIp, origin).await?;
        let user = self.find(&login).await?;
        let account = match &user {
            Some(user) => self.account_throttle_key(user.id, origin).await?,
            None => unknown_name(&login),
        };
        let _permit = self.acquire_check_permit(Scope::Account, &account).await;
        let account_attempt = self.attempt(Scope::Account, &account).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        // A locked account is checked as well, so that the duration is the same.
        let may_log_in = user.as_ref().is_some_and(Credentials::may_log_in);
        let verification = match self.passwords.verify(login.password, stored).await {
            Ok(verification) => verification,
            Err(error) => {
                // The password was not checked, so the attempt was no failure.
                let mut connection = self.pool.acquire().await?;
                self.refund_all(&mut connection, &ip_attempts).await?;
                if let Attempt::Allowed(attempt) = &account_attempt {
                    self.refund(&mut connection, attempt).await?;
                }
                return Err(error);
            }
        };
        let is_right = may_log_in && verification != PasswordVerification::Wrong;
        let (Some(user), Attempt::Allowed(attempt), true) = (&user, &account_attempt, is_right) else {
            self.record_failed_login(user.as_ref(), &account_attempt, origin).await?;
            return Err(ProblemCode::InvalidCredentials.into());
        };
        // From here on the user is authenticated.
        let origin = &Self::authenticated_origin(user.id, origin);
        let factor_attempt = self.count_code_attempt(user.id, &login.code).await;
        let mut transaction = self.pool.begin().await?;
        // The password may have changed during the check.
        let locked = users::lock(&mut transaction, user.id).await?;
        let same = |locked: &Credentials| locked.may_log_in() && locked.password_hash == user.password_hash;
        let Some(locked) = locked.filter(same) else { return Err(ProblemCode::InvalidCredentials.into()) };
        self.refund_all(&mut transaction, &ip_attempts).await?;
        self.refund(&mut transaction, attempt).await?;
        let factor_attempt = match factor_attempt {
            Ok(factor_attempt) => factor_attempt,
            Err(error) => {
                transaction.commit().await?;
                return Err(error);
            }
        };
        if let Err(rejection) =
            self.authorize_login(&mut transaction, &locked, &login.code, factor_attempt, origin).await?
        {
            transaction.commit().await?;
            return Err(rejection);
        }
        self.reset(&mut transaction, attempt).await?;
        users::set_last_login(&mut transaction, user.id, self.clock.now()).await?;
        if let PasswordVerification::Rehashed(hash) = verification {
            users::set_password_hash(&mut transaction, user.id, &hash).await?;
        }
        let household_id =
            households::find_by_user(&mut transaction, user.id).await?.ok_or(Error::NotFound("household"))?;
        let (session, refresh_token) =
            self.begin_session(&mut transaction, &locked, household_id, &login.device, origin).await?;
        let current_user = self.profile(&mut transaction, user.id, household_id).await?;
        let tokens = self.token_pair(&session, &current_user.profile, refresh_token)?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(LoginOutcome { tokens, current_user })
    }

    async fn find(&self, login: &Login) -> Result<Option<Credentials>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if login.email.trim().is_empty() {
            return users::find_by_username(&mut connection, login.username.trim()).await;
        }
        match Email::parse(&login.email) {
            Some(email) => {
                let user = users::find_by_email(&mut connection, email.key()).await?;
                // An unverified user with the right password gets EMAIL_NOT_VERIFIED.
                let claims = users::list_unverified_by_email(&mut connection, email.key(), 1).await?;
                Ok(user.or_else(|| claims.into_iter().next()))
            }
            None => Ok(None),
        }
    }

    /// Applies the checks that follow a correct password.
    /// A valid code is consumed, and an account that is pending deletion is restored.
    async fn authorize_login(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        code: &str,
        factor_attempt: Option<CountedAttempt>,
        origin: &RequestOrigin,
    ) -> Result<Result<(), Error>, Error> {
        if !user.email_verified {
            return Ok(Err(ProblemCode::EmailNotVerified.into()));
        }
        if let Err(status) = self.token_verifier.check_user_ip(user.id, origin.client.ip) {
            self.record_security_event(connection, Some(user.id), "ip_address_denied", None, "", origin)
                .await?;
            return Ok(Err(Error::Status(Box::new(status))));
        }
        if let Err(rejection) =
            self.require_second_factor(connection, user, code, factor_attempt, origin).await?
        {
            return Ok(Err(rejection));
        }
        if user.erase_at.is_some() {
            users::set_erase_at(connection, user.id, None).await?;
            let version = users::increment_version(connection, user.id, self.clock.now()).await?;
            self.record_security_event(connection, Some(user.id), "deletion_cancelled", None, "", origin)
                .await?;
            let change = ChangeEvent::for_user(user.id, version, "restored", &["erase_at"]);
            self.record(connection, change, origin).await?;
        }
        Ok(Ok(()))
    }

    async fn record_failed_login(
        &self,
        user: Option<&Credentials>,
        attempt: &Attempt,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        match (user, attempt) {
            (Some(user), Attempt::Allowed(attempt)) => {
                self.record_failed_attempt(&mut connection, user, attempt, "login_failed", origin).await
            }
            (user, _) => {
                let user = user.map(|user| user.id);
                self.record_security_event(&mut connection, user, "login_failed", None, "", origin).await
            }
        }
    }

    /// Returns the name under which an account's wrong passwords are counted.
    /// A network from which the user has logged in has its own count, so that an attacker
    /// elsewhere cannot lock the user out.
    async fn account_throttle_key(
        &self,
        user_id: Uuid,
        origin: &RequestOrigin,
    ) -> Result<String, sqlx::Error> {
        let Some(ip) = origin.client.ip else { return Ok(user_id.to_string()) };
        let known = devices::is_known_network(&mut *self.pool.acquire().await?, user_id, ip).await?;
        Ok(if known { format!("{user_id} {}", network_key(Some(ip))) } else { user_id.to_string() })
    }

    /// Records a wrong password or code and notifies the user when there are many.
    pub(super) async fn record_failed_attempt(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        attempt: &CountedAttempt,
        kind: &str,
        origin: &RequestOrigin,
    ) -> Result<(), sqlx::Error> {
        self.record_security_event(connection, Some(user.id), kind, None, "", origin).await?;
        if attempt.failures() == FAILURES_BEFORE_NOTIFICATION {
            let change = ChangeEvent::for_user(user.id, user.version, "throttled", &[]);
            self.record(connection, change, origin).await?;
            self.event_log_signal.wake();
        }
        Ok(())
    }
}

/// Returns the name under which attempts of an unknown user are counted.
fn unknown_name(login: &Login) -> String {
    let email = Email::parse(&login.email);
    let email =
        email.as_ref().map_or_else(|| login.email.trim().to_lowercase(), |email| email.key().to_owned());
    format!("{email}\n{}", login.username.trim().to_lowercase())
}

fn validate(login: &Login) -> Result<(), Error> {
    let mut violations = Vec::new();
    match (login.email.trim().is_empty(), login.username.trim().is_empty()) {
        (true, true) => violations.push(FieldViolation::new(
            "email",
            FieldCode::Required,
            "The email or the username is required. Send one of them.",
        )),
        (false, false) => {
            violations.push(FieldViolation::new(
                "username",
                FieldCode::Conflicting,
                "Email and username are mutually exclusive. Send one of them.",
            ));
        }
        (true, false) | (false, true) => {}
    }
    if login.password.expose_secret().is_empty() {
        violations.push(FieldViolation::from_code("password", FieldCode::Required));
    }
    login.device.check(&mut violations);
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}
