//! Login. Wrong password, unknown user and too many attempts look and take the
//! same; only a right password learns more.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::error::Violation;
use secrecy::{ExposeSecret as _, SecretString};

use super::passwords::Verdict;
use super::throttling::{Attempt, network};
use super::{Identity, Me, TokenPair};
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::users::{self, Credentials};
use crate::store::{households, security_events};

/// Who says he is whom.
#[derive(Debug)]
pub struct Login {
    pub email: String,
    pub username: String,
    pub password: SecretString,
    /// What the client says it runs on.
    pub device: Option<serde_json::Value>,
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
        let (Some(user), Attempt::Counted(ticket), true) = (&user, &at_account, verdict != Verdict::Wrong)
        else {
            self.note_failure(user.as_ref(), origin).await?;
            return Err(Error::InvalidCredentials);
        };
        let mut transaction = self.pool.begin().await?;
        self.forgive(&mut transaction, ticket).await?;
        self.take_back(&mut transaction, &from_address).await?;
        // The password may have changed while this one was being checked.
        let locked = users::lock(&mut transaction, user.id).await?;
        if locked.as_ref().is_none_or(|locked| locked.password_hash != user.password_hash) {
            return Err(Error::InvalidCredentials);
        }
        if !locked.is_some_and(|locked| locked.email_verified) {
            transaction.commit().await?;
            return Err(Error::EmailNotVerified);
        }
        if let Verdict::Rehashed(hash) = verdict {
            users::set_password_hash(&mut transaction, user.id, &hash).await?;
        }
        let household_id =
            households::of_user(&mut transaction, user.id).await?.ok_or(Error::NotFound("household"))?;
        let (session, refresh_token) =
            self.begin_session(&mut transaction, user.id, household_id, login.device, origin).await?;
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

    async fn note_failure(&self, user: Option<&Credentials>, origin: &Origin) -> Result<(), sqlx::Error> {
        let (now, mut connection) = (self.clock.now(), self.pool.acquire().await?);
        let (id, user) = (self.random.id(now), user.map(|user| user.id));
        security_events::insert(&mut connection, id, user, "login_failed", None, origin, now).await
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
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}
