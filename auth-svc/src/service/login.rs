//! Login.
//! A wrong password, an unknown user and too many attempts have the same response and duration;
//! only the right password reveals more.

use kit_access::caller::RequestOrigin;
use kit_access::network_key;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_service::use_case::WriteTransaction;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::passwords::PasswordVerification;
use super::throttling::{Attempt, CountedAttempt, refund_all};
use super::{CurrentUser, IdentityUseCases, TokenPair, commit_and_reject, set_authenticated, user_change};
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

impl IdentityUseCases {
    pub async fn login(
        &self,
        login: Login,
        origin: &RequestOrigin,
    ) -> Result<(TokenPair, CurrentUser), Error> {
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
                refund_all(&mut connection, &ip_attempts).await?;
                if let Attempt::Allowed(attempt) = &account_attempt {
                    attempt.refund(&mut connection).await?;
                }
                return Err(error);
            }
        };
        let is_right = may_log_in && verification != PasswordVerification::Wrong;
        let (Some(user), Attempt::Allowed(attempt), true) = (&user, &account_attempt, is_right) else {
            let mut transaction = self.begin(origin).await?;
            self.record_failed_login(&mut transaction, user.as_ref(), &account_attempt).await?;
            return commit_and_reject(transaction, ProblemCode::InvalidCredentials).await;
        };
        let factor_attempt = self.count_code_attempt(user.id, &login.code).await;
        let mut transaction = self.begin(origin).await?;
        set_authenticated(&mut transaction, user.id);
        // The password may have changed during the check.
        let locked = users::lock(&mut transaction, user.id).await?;
        let same = |locked: &Credentials| locked.may_log_in() && locked.password_hash == user.password_hash;
        let locked = locked.filter(same).ok_or(ProblemCode::InvalidCredentials)?;
        refund_all(&mut transaction, &ip_attempts).await?;
        attempt.refund(&mut transaction).await?;
        let factor_attempt = match factor_attempt {
            Ok(factor_attempt) => factor_attempt,
            Err(error) => return commit_and_reject(transaction, error).await,
        };
        let mut transaction = self.authorize_login(transaction, &locked, &login.code, factor_attempt).await?;
        attempt.reset(&mut transaction).await?;
        users::set_last_login(&mut transaction, user.id, self.clock.now()).await?;
        if let PasswordVerification::Rehashed(hash) = verification {
            users::set_password_hash(&mut transaction, user.id, &hash).await?;
        }
        let household_id = households::find_by_user(&mut transaction, user.id).await?;
        let household_id = household_id.ok_or_else(|| Error::not_found("household"))?;
        let (session, refresh_token) =
            self.begin_session(&mut transaction, &locked, household_id, &login.device).await?;
        let current_user = self.profile(&mut transaction, user.id, household_id).await?;
        let tokens = self.token_pair(&session, &current_user.profile, refresh_token)?;
        self.publish(transaction.commit()).await?;
        Ok((tokens, current_user))
    }

    async fn find(&self, login: &Login) -> Result<Option<Credentials>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if login.email.trim().is_empty() {
            return users::find_by_username(&mut connection, login.username.trim()).await;
        }
        let Some(email) = Email::parse(&login.email) else { return Ok(None) };
        let user = users::find_by_email(&mut connection, email.key()).await?;
        // An unverified user with the right password gets EMAIL_NOT_VERIFIED.
        let claims = users::list_unverified_by_email(&mut connection, email.key(), 1).await?;
        Ok(user.or_else(|| claims.into_iter().next()))
    }

    /// Applies the checks that follow a correct password.
    /// A valid code is consumed, and an account that is pending deletion is restored.
    async fn authorize_login(
        &self,
        mut transaction: WriteTransaction,
        user: &Credentials,
        code: &str,
        factor_attempt: Option<CountedAttempt>,
    ) -> Result<WriteTransaction, Error> {
        if !user.email_verified {
            return commit_and_reject(transaction, ProblemCode::EmailNotVerified).await;
        }
        let ip = transaction.actor().origin.client.ip;
        if self.token_verifier.check_user_ip(user.id, ip).is_err() {
            self.record_security_event(&mut transaction, Some(user.id), "ip_address_denied", None).await?;
            return commit_and_reject(transaction, ProblemCode::IpAddressDenied).await;
        }
        let mut transaction = self.require_second_factor(transaction, user, code, factor_attempt).await?;
        if user.erase_at.is_some() {
            users::set_erase_at(&mut transaction, user.id, None).await?;
            let version = users::increment_version(&mut transaction, user.id, self.clock.now()).await?;
            self.record_security_event(&mut transaction, Some(user.id), "deletion_cancelled", None).await?;
            transaction.record_change(user_change(user.id, version, "restored", &["erase_at"])).await?;
        }
        Ok(transaction)
    }

    async fn record_failed_login(
        &self,
        transaction: &mut WriteTransaction,
        user: Option<&Credentials>,
        attempt: &Attempt,
    ) -> Result<(), sqlx::Error> {
        let kind = "login_failed";
        match (user, attempt) {
            (Some(user), Attempt::Allowed(attempt)) => {
                self.record_failed_attempt(transaction, user, attempt, kind).await
            }
            (user, _) => self.record_security_event(transaction, user.map(|user| user.id), kind, None).await,
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
        transaction: &mut WriteTransaction,
        user: &Credentials,
        attempt: &CountedAttempt,
        kind: &str,
    ) -> Result<(), sqlx::Error> {
        self.record_security_event(transaction, Some(user.id), kind, None).await?;
        if attempt.failures() == FAILURES_BEFORE_NOTIFICATION {
            transaction.record_change(user_change(user.id, user.version, "throttled", &[])).await?;
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

fn validate(login: &Login) -> Result<(), Vec<FieldViolation>> {
    let mut violations = Vec::new();
    match (login.email.trim().is_empty(), login.username.trim().is_empty()) {
        (true, true) => {
            let text = "The email or the username is required. Send one of them.";
            violations.push(FieldViolation::new("email", FieldCode::Required, text));
        }
        (false, false) => {
            let text = "Email and username are mutually exclusive. Send one of them.";
            violations.push(FieldViolation::new("username", FieldCode::Conflicting, text));
        }
        (true, false) | (false, true) => {}
    }
    if login.password.expose_secret().is_empty() {
        violations.push(FieldViolation::from_code("password", FieldCode::Required));
    }
    login.device.check(&mut violations);
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
