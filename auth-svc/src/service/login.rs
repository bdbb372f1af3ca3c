//! Login. Wrong password, unknown user and too many attempts look and take the
//! same; only a right password learns more.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::error::Violation;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;

use super::passwords::Verdict;
use super::second_factors::Factor;
use super::throttling::{Attempt, Ticket, network};
use super::{Change, Identity, Me, TokenPair};
use crate::domain::device::Device;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::households;
use crate::store::users::{self, Credentials};

/// Failures in a row after which the user is told.
const MANY: i32 = 10;

/// Who says he is whom.
#[derive(Debug)]
pub struct Login {
    pub email: String,
    pub username: String,
    pub password: SecretString,
    /// What the client says it runs on.
    pub device: Device,
    /// Of the second factor.
    pub code: String,
}

#[derive(Debug)]
pub struct LoginOutcome {
    pub tokens: TokenPair,
    pub me: Me,
}

impl Identity {
    pub async fn login(&self, login: Login, origin: &Origin) -> Result<LoginOutcome, Error> {
        check(&login)?;
        let address = network(origin.client.ip);
        let from_address = match self.attempt(Scope::Address, &address).await? {
            Attempt::Counted(ticket) => ticket,
            Attempt::Blocked(wait) => return Err(Error::Throttled(wait)),
        };
        let user = self.find(&login).await?;
        let account = user.as_ref().map_or_else(|| folded(&login), |user| user.id.to_string());
        let at_account = self.attempt(Scope::Account, &account).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        // A locked account is checked too, so that it takes as long.
        let may_log_in = user.as_ref().is_some_and(Credentials::may_log_in);
        let verdict = match self.passwords.verify(login.password, stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // Nothing was checked, so nothing was wrong.
                let mut connection = self.pool.acquire().await?;
                self.take_back(&mut connection, &from_address).await?;
                if let Attempt::Counted(ticket) = &at_account {
                    self.take_back(&mut connection, ticket).await?;
                }
                return Err(error);
            }
        };
        let right = may_log_in && verdict != Verdict::Wrong;
        let (Some(user), Attempt::Counted(ticket), true) = (&user, &at_account, right) else {
            self.refuse(user.as_ref(), &at_account, origin).await?;
            return Err(Error::InvalidCredentials);
        };
        // He is who he says from here on.
        let origin = &Self::proved(user.id, origin);
        let mut transaction = self.pool.begin().await?;
        self.take_back(&mut transaction, &from_address).await?;
        // The password may have changed while this one was being checked.
        let locked = users::lock(&mut transaction, user.id).await?;
        let same = |locked: &Credentials| locked.may_log_in() && locked.password_hash == user.password_hash;
        let Some(locked) = locked.filter(same) else { return Err(Error::InvalidCredentials) };
        if let Err(refusal) = self.admit_login(&mut transaction, &locked, &login.code, origin).await? {
            match refusal {
                // The code is what was wrong; the failure stays.
                Error::MfaCodeInvalid => {
                    transaction.rollback().await?;
                    return Err(self.wrong_code(user.id, origin).await?);
                }
                refusal => {
                    self.take_back(&mut transaction, ticket).await?;
                    transaction.commit().await?;
                    return Err(refusal);
                }
            }
        }
        self.forgive(&mut transaction, ticket).await?;
        if let Verdict::Rehashed(hash) = verdict {
            users::set_password_hash(&mut transaction, user.id, &hash).await?;
        }
        let household_id =
            households::of_user(&mut transaction, user.id).await?.ok_or(Error::NotFound("household"))?;
        let (session, refresh_token) =
            self.begin_session(&mut transaction, user.id, household_id, &login.device, origin).await?;
        let me = self.profile(&mut transaction, user.id, household_id).await?;
        let tokens = self.token_pair(&session, me.profile.roles.clone(), refresh_token)?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(LoginOutcome { tokens, me })
    }

    async fn find(&self, login: &Login) -> Result<Option<Credentials>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if login.email.trim().is_empty() {
            return users::find_by_username(&mut connection, login.username.trim()).await;
        }
        match Email::parse(&login.email) {
            Some(email) => users::find_by_email(&mut connection, email.key()).await,
            None => Ok(None),
        }
    }

    /// What a right password still does not open. A code that was right is spent;
    /// an account that was leaving stays.
    async fn admit_login(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        code: &str,
        origin: &Origin,
    ) -> Result<Result<(), Error>, Error> {
        if !user.email_verified {
            return Ok(Err(Error::EmailNotVerified));
        }
        if let Err(status) = self.trust.admit_user(user.id, origin.client.ip) {
            self.note_security(connection, Some(user.id), "address_denied", None, "", origin).await?;
            return Ok(Err(Error::Status(Box::new(status))));
        }
        match self.second_factor(connection, user.id, code).await? {
            Factor::NotNeeded | Factor::Right { by_recovery_code: false } => {}
            Factor::Right { by_recovery_code: true } => {
                self.tell_of_mfa(connection, user.id, "recovery_code_used", origin).await?;
            }
            Factor::Missing => return Ok(Err(Error::MfaRequired)),
            Factor::Wrong => return Ok(Err(Error::MfaCodeInvalid)),
        }
        if user.erase_at.is_some() {
            users::set_erase_at(connection, user.id, None).await?;
            let version = users::bump(connection, user.id, self.clock.now()).await?;
            self.note_security(connection, Some(user.id), "deletion_cancelled", None, "", origin).await?;
            let change = Change::of_user(user.id, version, "restored", &["erase_at"]);
            self.record(connection, change, origin).await?;
        }
        Ok(Ok(()))
    }

    async fn refuse(
        &self,
        user: Option<&Credentials>,
        attempt: &Attempt,
        origin: &Origin,
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        match (user, attempt) {
            (Some(user), Attempt::Counted(ticket)) => {
                self.note_failure(&mut connection, Some(user), ticket, "login_failed", origin).await
            }
            (user, _) => {
                let user = user.map(|user| user.id);
                self.note_security(&mut connection, user, "login_failed", None, "", origin).await
            }
        }
    }

    /// Notes a wrong password. The one that makes it many is told to the user.
    pub(super) async fn note_failure(
        &self,
        connection: &mut PgConnection,
        user: Option<&Credentials>,
        ticket: &Ticket,
        kind: &str,
        origin: &Origin,
    ) -> Result<(), sqlx::Error> {
        self.note_security(connection, user.map(|user| user.id), kind, None, "", origin).await?;
        if let Some(user) = user.filter(|_| ticket.failures == MANY) {
            let change = Change::of_user(user.id, user.version, "throttled", &[]);
            self.record(connection, change, origin).await?;
            self.bell.ring();
        }
        Ok(())
    }
}

/// The name that an unknown user's attempts are counted under.
fn folded(login: &Login) -> String {
    format!("{}\n{}", login.email.trim().to_lowercase(), login.username.trim().to_lowercase())
}

fn check(login: &Login) -> Result<(), Error> {
    let mut violations = Vec::new();
    match (login.email.trim().is_empty(), login.username.trim().is_empty()) {
        (true, true) => violations.push(Violation::new("email", "REQUIRED", "Send email or username.")),
        (false, false) => {
            violations.push(Violation::new(
                "username",
                "CONFLICTING",
                "Send either email or username, not both.",
            ));
        }
        (true, false) | (false, true) => {}
    }
    if login.password.expose_secret().is_empty() {
        violations.push(Violation::new("password", "REQUIRED", "This field is needed."));
    }
    login.device.check(&mut violations);
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}
