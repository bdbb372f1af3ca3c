//! Proofs by mail, shared by verification, forgotten passwords and changes of
//! address. Locks the user before the challenge, as registration does.

use fintrac_kit::access::caller::Origin;
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::throttling::{Attempt, Ticket};
use super::{Change, Identity};
use crate::domain::challenge::{Purpose, code_is_open};
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::challenges::{self, Challenge, NewChallenge};
use crate::store::users;

/// Registrations of one address whose codes are compared: more than its mailbox gets
/// mails in the lifetime of a code.
const MAX_CANDIDATES: i64 = 20;

/// What the user brings.
#[derive(Debug, Clone)]
pub enum Proof {
    Token(String),
    Code { email: String, code: String },
}

impl Proof {
    /// As it comes in a message: a token, or address and code.
    pub fn new(token: String, email: String, code: String) -> Self {
        if token.is_empty() { Self::Code { email, code } } else { Self::Token(token) }
    }
}

impl Identity {
    /// Opens a challenge and asks for its mail; earlier ones of its purpose are
    /// void. `email` is the address to prove, of a change of address.
    pub(super) async fn open_challenge(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        purpose: Purpose,
        email: Option<&Email>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let id = self.write_challenge(connection, user_id, purpose, email).await?;
        let change = Change {
            user_id,
            household_id: None,
            entity: "challenge",
            entity_id: id,
            version: 1,
            kind: purpose.event(),
            changed: &[],
        };
        Ok(self.record(connection, change, origin).await?)
    }

    /// The same without a mail.
    pub(super) async fn write_challenge(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        purpose: Purpose,
        email: Option<&Email>,
    ) -> Result<Uuid, Error> {
        let now = self.clock.now();
        let id = self.random.id(now);
        let challenge = NewChallenge {
            id,
            user_id,
            purpose,
            email,
            token_hash: self.secrets.token_hash(&self.secrets.link_token(id)),
            code_hash: self.secrets.code_hash(id, &self.secrets.code(id)),
            lifetimes: purpose.lifetimes(now),
            now,
        };
        challenges::open(connection, &challenge).await?;
        Ok(id)
    }

    /// Counts a code by the network that it comes from, for many mailboxes must not be
    /// many tries, and by its mailbox, for many networks and many mails must not be
    /// either. A token has 256 bits and is not counted.
    pub(super) async fn count_proof(&self, proof: &Proof, origin: &Origin) -> Result<Vec<Ticket>, Error> {
        let Proof::Code { email, .. } = proof else { return Ok(Vec::new()) };
        let mailbox = Email::parse(email).ok_or(Error::ChallengeInvalid)?;
        let mut tickets = self.attempt_from(Scope::Address, origin).await?;
        match self.attempt(Scope::EmailCode, mailbox.key()).await? {
            Attempt::Counted(ticket) => tickets.push(ticket),
            Attempt::Blocked(wait) => return Err(Error::Throttled(wait)),
        }
        Ok(tickets)
    }

    /// The code was right after all.
    pub(super) async fn uncount_proof(
        &self,
        connection: &mut PgConnection,
        tickets: &[Ticket],
    ) -> Result<(), sqlx::Error> {
        self.take_all_back(connection, tickets).await
    }

    /// Whether `code` is the challenge's, as people type it.
    pub(super) fn code_matches(&self, challenge: Uuid, stored: &[u8], code: &str) -> bool {
        bool::from(self.secrets.code_hash(challenge, code).ct_eq(stored))
    }

    /// The open challenge that `proof` answers, locked with its user. A wrong
    /// code counts: commit in either case.
    pub(super) async fn answered(
        &self,
        connection: &mut PgConnection,
        proof: &Proof,
        purposes: &[Purpose],
    ) -> Result<Challenge, Error> {
        match proof {
            Proof::Token(token) => self.by_token(connection, token, purposes).await,
            Proof::Code { email, code } => {
                let email = Email::parse(email).ok_or(Error::ChallengeInvalid)?;
                self.by_code(connection, &email, code, purposes).await
            }
        }
    }

    async fn by_token(
        &self,
        connection: &mut PgConnection,
        token: &str,
        purposes: &[Purpose],
    ) -> Result<Challenge, Error> {
        let hash = self.secrets.token_hash(token);
        let user_id = challenges::user_of_token(connection, &hash).await?.ok_or(Error::ChallengeInvalid)?;
        users::lock(connection, user_id).await?;
        challenges::lock_by_token(connection, &hash)
            .await?
            .filter(|challenge| purposes.contains(&challenge.purpose))
            .filter(|challenge| self.clock.now() < challenge.token_expires_at)
            .ok_or(Error::ChallengeInvalid)
    }

    async fn by_code(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        code: &str,
        purposes: &[Purpose],
    ) -> Result<Challenge, Error> {
        for purpose in purposes {
            for user_id in self.challenged(connection, email, *purpose).await? {
                users::lock(connection, user_id).await?;
                let Some(challenge) = challenges::lock_by_user(connection, user_id, *purpose).await? else {
                    continue;
                };
                // A change may have been asked for again meanwhile, to another address.
                let asked = challenge.email.as_deref().and_then(Email::parse);
                let is_other = asked.is_some_and(|asked| asked.key() != email.key());
                let open = code_is_open(challenge.attempts, challenge.code_expires_at, self.clock.now());
                if is_other || !open {
                    continue;
                }
                if self.code_matches(challenge.id, &challenge.code_hash, code) {
                    return Ok(challenge);
                }
                challenges::count_attempt(connection, challenge.id).await?;
            }
        }
        Err(Error::ChallengeInvalid)
    }

    /// Who may have been sent a code for `purpose` to this address.
    async fn challenged(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        purpose: Purpose,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        match purpose {
            Purpose::ChangeEmail => challenges::user_of_new_email(connection, email.key()).await,
            Purpose::VerifyEmail => {
                let users = users::unverified_of_email(connection, email.key(), MAX_CANDIDATES).await?;
                Ok(users.into_iter().map(|user| user.id).collect())
            }
            Purpose::ResetPassword => {
                let user = users::find_by_email(connection, email.key()).await?;
                Ok(user.into_iter().map(|user| user.id).collect())
            }
        }
    }
}
