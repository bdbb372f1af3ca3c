//! Login. Wrong password, unknown user and too many attempts look and take the
//! same; only a right password learns more.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::access::network;
use fintrac_kit::error::Violation;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::passwords::Verdict;
use super::throttling::{Attempt, Ticket};
use super::{Change, Identity, Me, TokenPair};
use crate::domain::device::Device;
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};
use crate::store::{devices, households};

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
        let from_address = self.attempt_from(Scope::Address, origin).await?;
        let user = self.find(&login).await?;
        let account = match &user {
            Some(user) => self.account_key(user.id, origin).await?,
            None => folded(&login),
        };
        let _permit = self.acquire_check_permit(Scope::Account, &account).await;
        let at_account = self.attempt(Scope::Account, &account).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        // A locked account is checked too, so that it takes as long.
        let may_log_in = user.as_ref().is_some_and(Credentials::may_log_in);
        let verdict = match self.passwords.verify(login.password, stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // Nothing was checked, so nothing was wrong.
                let mut connection = self.pool.acquire().await?;
                self.take_all_back(&mut connection, &from_address).await?;
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
        let at_factor = self.count_code(user.id, &login.code).await;
        let mut transaction = self.pool.begin().await?;
        // The password may have changed while this one was being checked.
        let locked = users::lock(&mut transaction, user.id).await?;
        let same = |locked: &Credentials| locked.may_log_in() && locked.password_hash == user.password_hash;
        let Some(locked) = locked.filter(same) else { return Err(Error::InvalidCredentials) };
        self.take_all_back(&mut transaction, &from_address).await?;
        self.take_back(&mut transaction, ticket).await?;
        let at_factor = match at_factor {
            Ok(at_factor) => at_factor,
            Err(error) => {
                transaction.commit().await?;
                return Err(error);
            }
        };
        if let Err(refusal) =
            self.admit_login(&mut transaction, &locked, &login.code, at_factor, origin).await?
        {
            transaction.commit().await?;
            return Err(refusal);
        }
        self.forgive(&mut transaction, ticket).await?;
        users::set_last_login(&mut transaction, user.id, self.clock.now()).await?;
        if let Verdict::Rehashed(hash) = verdict {
            users::set_password_hash(&mut transaction, user.id, &hash).await?;
        }
        let household_id =
            households::of_user(&mut transaction, user.id).await?.ok_or(Error::NotFound("household"))?;
        let (session, refresh_token) =
            self.begin_session(&mut transaction, &locked, household_id, &login.device, origin).await?;
        let me = self.profile(&mut transaction, user.id, household_id).await?;
        let tokens = self.token_pair(&session, &me.profile, refresh_token)?;
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
            Some(email) => {
                let user = users::find_by_email(&mut connection, email.key()).await?;
                // An unverified user with the right password gets EMAIL_NOT_VERIFIED.
                let claims = users::unverified_of_email(&mut connection, email.key(), 1).await?;
                Ok(user.or_else(|| claims.into_iter().next()))
            }
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
        at_factor: Option<Ticket>,
        origin: &Origin,
    ) -> Result<Result<(), Error>, Error> {
        if !user.email_verified {
            return Ok(Err(Error::EmailNotVerified));
        }
        if let Err(status) = self.trust.admit_user(user.id, origin.client.ip) {
            self.note_security(connection, Some(user.id), "address_denied", None, "", origin).await?;
            return Ok(Err(Error::Status(Box::new(status))));
        }
        if let Err(refusal) = self.ask_for_code(connection, user, code, at_factor, origin).await? {
            return Ok(Err(refusal));
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
                self.note_failure(&mut connection, user, ticket, "login_failed", origin).await
            }
            (user, _) => {
                let user = user.map(|user| user.id);
                self.note_security(&mut connection, user, "login_failed", None, "", origin).await
            }
        }
    }

    /// What an account's wrong passwords are counted by: a network that its user has
    /// logged in from has a count of its own, so that a stranger elsewhere cannot
    /// keep him out.
    async fn account_key(&self, user_id: Uuid, origin: &Origin) -> Result<String, sqlx::Error> {
        let Some(ip) = origin.client.ip else { return Ok(user_id.to_string()) };
        let known = devices::is_known_network(&mut *self.pool.acquire().await?, user_id, ip).await?;
        Ok(if known { format!("{user_id} {}", network(Some(ip))) } else { user_id.to_string() })
    }

    /// Notes a wrong password or code. The one that makes it many is told to the user.
    pub(super) async fn note_failure(
        &self,
        connection: &mut PgConnection,
        user: &Credentials,
        ticket: &Ticket,
        kind: &str,
        origin: &Origin,
    ) -> Result<(), sqlx::Error> {
        self.note_security(connection, Some(user.id), kind, None, "", origin).await?;
        if ticket.failures() == MANY {
            let change = Change::of_user(user.id, user.version, "throttled", &[]);
            self.record(connection, change, origin).await?;
            self.bell.ring();
        }
        Ok(())
    }
}

/// The name that an unknown user's attempts are counted under.
fn folded(login: &Login) -> String {
    let email = Email::parse(&login.email);
    let email = email.as_ref().map_or_else(|| login.email.trim().to_lowercase(), |it| it.key().to_owned());
    format!("{email}\n{}", login.username.trim().to_lowercase())
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
