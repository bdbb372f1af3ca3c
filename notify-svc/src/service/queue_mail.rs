//! Which of auth's events asks for which mail, and who is to be erased.

use fintrac_kit::clock::Clock;
use fintrac_kit::erasure;
use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;

use super::id;
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::store::mails;

/// Turns auth's events into queued mails.
#[derive(Debug)]
pub struct QueueMail {
    clock: Clock,
    random: Random,
    waiting: Bell,
    erasures: Bell,
}

impl QueueMail {
    /// `waiting` is rung when mails wait to be sent, `erasures` when somebody is to be erased.
    pub fn new(deps: &Deps, waiting: Bell, erasures: Bell) -> Self {
        Self { clock: deps.clock.clone(), random: deps.random.clone(), waiting, erasures }
    }
}

fn kind(event: &Event) -> Option<Kind> {
    match (event.entity.as_str(), event.kind.as_str()) {
        ("challenge", "verification_requested") => Some(Kind::Verification),
        ("challenge", "password_reset_requested") => Some(Kind::PasswordReset),
        ("challenge", "email_change_requested") => Some(Kind::EmailChange),
        ("challenge", "email_changed") => Some(Kind::EmailChanged),
        ("device", "added") => Some(Kind::NewDevice),
        ("user", "already_registered") => Some(Kind::AlreadyRegistered),
        ("user", "verified") => Some(Kind::Welcome),
        ("user", "password_changed" | "password_reset") => Some(Kind::PasswordChanged),
        ("user", "mfa_enabled") => Some(Kind::MfaEnabled),
        ("user", "mfa_disabled") => Some(Kind::MfaDisabled),
        ("user", "recovery_code_used") => Some(Kind::RecoveryCodeUsed),
        ("user", "locked") => Some(Kind::AccountLocked),
        ("user", "throttled") => Some(Kind::AccountThrottled),
        ("user", "deletion_requested") => Some(Kind::AccountDeletion),
        ("user", "restored") => Some(Kind::AccountRestored),
        _ => None,
    }
}

impl Handler for QueueMail {
    type Prepared = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        for event in events {
            erasure::note_event(connection, event, self.clock.now()).await?;
            let Some(kind) = kind(event) else { continue };
            let now = self.clock.now();
            let (user_id, subject_id) = (id(&event.user_id)?, id(&event.entity_id)?);
            let mail = Mail { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
            mails::insert(connection, &mail, id(&event.id)?, now).await?;
        }
        Ok(())
    }

    fn committed(&self, _events: &[Event]) {
        self.waiting.ring();
        self.erasures.ring();
    }
}
