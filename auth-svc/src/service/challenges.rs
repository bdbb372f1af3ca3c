//! Email challenges for verification, password resets and email changes.
//! They lock the user before the challenge, as registration does.

use kit_access::caller::RequestOrigin;
use kit_core::error::ProblemCode;
use kit_service::use_case::{EntityChange, WriteTransaction};
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::throttling::CountedAttempt;
use super::{IdentityUseCases, user_change};
use crate::domain::challenge::{Purpose, is_code_usable};
use crate::domain::email::Email;
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::challenges::{self, Challenge, NewChallenge};
use crate::store::users;

/// The number of registrations of one address whose codes are compared.
/// It is more than the number of emails that one address receives during the lifetime of a code.
const MAX_CANDIDATES: i64 = 20;

/// The proof that a user received the email of a challenge.
#[derive(Debug, Clone)]
pub enum ChallengeProof {
    Token(String),
    Code { email: String, code: String },
}

impl ChallengeProof {
    /// Builds a proof from a request: a token, or an address and a code.
    pub fn new(token: String, email: String, code: String) -> Self {
        if token.is_empty() { Self::Code { email, code } } else { Self::Token(token) }
    }
}

impl IdentityUseCases {
    /// Creates a challenge and records the event for which its email is sent.
    /// Earlier challenges of its purpose are closed. `email` is the new address of an email change.
    pub(super) async fn create_challenge(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        purpose: Purpose,
        email: Option<&Email>,
    ) -> Result<(), Error> {
        let entity_id = self.insert_challenge(transaction, user_id, purpose, email).await?;
        let change = user_change(user_id, 1, purpose.event_kind(), &[]);
        Ok(transaction.record_change(EntityChange { entity: "challenge", entity_id, ..change }).await?)
    }

    /// Creates a challenge without recording an event, so that no email is sent.
    pub(super) async fn insert_challenge(
        &self,
        connection: &mut PgConnection,
        user_id: Uuid,
        purpose: Purpose,
        email: Option<&Email>,
    ) -> Result<Uuid, Error> {
        let (id, now) = (self.new_id(), self.clock.now());
        let challenge = NewChallenge {
            id,
            user_id,
            purpose,
            email,
            token_hash: self.secrets.token_hash(&self.secrets.link_token(id)),
            code_hash: self.secrets.code_hash(id, &self.secrets.code(id)),
            expiry_times: purpose.expiry_times(now),
            now,
        };
        challenges::insert(connection, &challenge).await?;
        Ok(id)
    }

    /// Counts a code by the network of the client and by the address.
    /// The first count limits guesses across many addresses, the second one guesses from many
    /// networks and across many emails. A token has 256 bits and is not counted.
    pub(super) async fn count_proof_attempt(
        &self,
        proof: &ChallengeProof,
        origin: &RequestOrigin,
    ) -> Result<Vec<CountedAttempt>, Error> {
        let ChallengeProof::Code { email, .. } = proof else { return Ok(Vec::new()) };
        let address = Email::parse(email).ok_or(ProblemCode::VerificationInvalid)?;
        let mut attempts = self.attempt_from(Scope::CredentialIp, origin).await?;
        attempts.push(self.attempt(Scope::EmailCode, address.key()).await?.require_allowed()?);
        Ok(attempts)
    }

    /// Returns whether `code` is the challenge's code, in any notation.
    pub(super) fn code_matches(&self, challenge: Uuid, stored: &[u8], code: &str) -> bool {
        bool::from(self.secrets.code_hash(challenge, code).ct_eq(stored))
    }

    /// Locks the user and the open challenge of `proof`; returns the challenge.
    /// A wrong code is counted, so the caller commits in either case.
    pub(super) async fn resolve_challenge(
        &self,
        connection: &mut PgConnection,
        proof: &ChallengeProof,
        purposes: &[Purpose],
    ) -> Result<Challenge, Error> {
        let challenge = match proof {
            ChallengeProof::Token(token) => {
                let hash = self.secrets.token_hash(token);
                let user_id = challenges::find_user_by_token(connection, &hash).await?;
                users::lock(connection, user_id.ok_or(ProblemCode::VerificationInvalid)?).await?;
                let challenge = challenges::lock_by_token(connection, &hash).await?;
                challenge
                    .filter(|challenge| purposes.contains(&challenge.purpose))
                    .filter(|challenge| self.clock.now() < challenge.token_expires_at)
            }
            ChallengeProof::Code { email, code } => {
                let email = Email::parse(email).ok_or(ProblemCode::VerificationInvalid)?;
                self.resolve_code(connection, &email, code, purposes).await?
            }
        };
        Ok(challenge.ok_or(ProblemCode::VerificationInvalid)?)
    }

    async fn resolve_code(
        &self,
        connection: &mut PgConnection,
        email: &Email,
        code: &str,
        purposes: &[Purpose],
    ) -> Result<Option<Challenge>, sqlx::Error> {
        for purpose in purposes {
            for user_id in list_challenged_users(connection, email, *purpose).await? {
                users::lock(connection, user_id).await?;
                let Some(challenge) = challenges::lock_by_user(connection, user_id, *purpose).await? else {
                    continue;
                };
                // The user may have requested another address since the list was read.
                let requested = challenge.email.as_deref().and_then(Email::parse);
                let is_other = requested.is_some_and(|requested| requested.key() != email.key());
                let is_usable =
                    is_code_usable(challenge.attempts, challenge.code_expires_at, self.clock.now());
                if is_other || !is_usable {
                    continue;
                }
                if self.code_matches(challenge.id, &challenge.code_hash, code) {
                    return Ok(Some(challenge));
                }
                challenges::count_attempt(connection, challenge.id).await?;
            }
        }
        Ok(None)
    }
}

/// Lists the users who may have received a code for `purpose` at this address.
async fn list_challenged_users(
    connection: &mut PgConnection,
    email: &Email,
    purpose: Purpose,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let users = match purpose {
        Purpose::ChangeEmail => return challenges::list_users_by_new_email(connection, email.key()).await,
        Purpose::VerifyEmail => {
            users::list_unverified_by_email(connection, email.key(), MAX_CANDIDATES).await?
        }
        Purpose::ResetPassword => Vec::from_iter(users::find_by_email(connection, email.key()).await?),
    };
    Ok(users.into_iter().map(|user| user.id).collect())
}
