//! Derives the secrets of a challenge when its email is sent.

use fintrac_kit::error::ProblemCode;
use uuid::Uuid;

use super::IdentityUseCases;
use crate::domain::challenge::is_code_usable;
use crate::domain::email::Email;
use crate::error::Error;
use crate::store::challenges;
use crate::store::users::{self, Recipient};

/// The recipient, link token and code of a challenge's email.
#[derive(Debug)]
pub struct ChallengeData {
    pub recipient: Recipient,
    pub token: String,
    /// The code; absent once it has expired or its attempts are used up.
    pub code: Option<String>,
}

impl IdentityUseCases {
    pub async fn get_challenge_data(&self, id: Uuid) -> Result<ChallengeData, Error> {
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let challenge =
            challenges::find_open(&mut connection, id).await?.ok_or(ProblemCode::ChallengeLapsed)?;
        if now >= challenge.token_expires_at {
            return Err(ProblemCode::ChallengeLapsed.into());
        }
        let recipient = users::recipient(&mut connection, challenge.user_id)
            .await?
            .ok_or(ProblemCode::ChallengeLapsed)?;
        // No email is sent once another user has verified the new address.
        if let Some(new_email) = challenge.email.as_deref().and_then(Email::parse) {
            let holder = users::find_by_email(&mut connection, new_email.key()).await?;
            if holder.is_some_and(|holder| holder.id != challenge.user_id) {
                return Err(ProblemCode::ChallengeLapsed.into());
            }
        }
        let email = challenge.email.unwrap_or(recipient.email);
        let is_usable = is_code_usable(challenge.attempts, challenge.code_expires_at, now);
        Ok(ChallengeData {
            recipient: Recipient { email, ..recipient },
            token: self.secrets.link_token(id),
            code: is_usable.then(|| self.secrets.code(id)),
        })
    }
}
