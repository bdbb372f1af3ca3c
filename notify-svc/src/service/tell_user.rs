//! Which of auth's events to tell the user, by mail and in his inbox, and who is
//! to be erased.

use fintrac_kit::clock::Clock;
use fintrac_kit::erasure;
use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;

use super::account_facts;
use super::id;
use super::telling::{Teller, Telling, few_at_once};
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::store::mails;

/// Turns auth's events into queued mails and notifications; nobody can switch them off.
#[derive(Debug)]
pub struct TellUser {
    clock: Clock,
    random: Random,
    teller: Teller,
    erasures: Bell,
}

impl TellUser {
    /// `erasures` is rung when somebody is to be erased.
    pub fn new(deps: &Deps, teller: Teller, erasures: Bell) -> Self {
        Self { clock: deps.clock.clone(), random: deps.random.clone(), teller, erasures }
    }

    async fn queue_mail(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        let Some(kind) = kind(event) else { return Ok(()) };
        let now = self.clock.now();
        let (user_id, subject_id) = (id(&event.user_id)?, id(&event.entity_id)?);
        let mail = Mail { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
        Ok(mails::insert(connection, &mail, id(&event.id)?, now).await?)
    }

    /// What the inbox tells of an event.
    async fn tellings(&self, event: &Event, kind: Kind) -> Result<Vec<Telling>, HandlerError> {
        let (user_id, subject_id) = (id(&event.user_id)?, id(&event.entity_id)?);
        let told = account_facts::told(&self.teller.auth(), kind, user_id, subject_id).await?;
        let Some(told) = told else { return Ok(Vec::new()) };
        Ok(self.teller.user(event, kind, &told)?.into_iter().collect())
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

impl Handler for TellUser {
    type Prepared = Vec<Telling>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Telling>, HandlerError> {
        // Whoever has not confirmed his address has no inbox.
        let told = |event| kind(event).filter(|kind| *kind != Kind::Verification);
        let wanted = events.iter().filter_map(|event| Some(self.tellings(event, told(event)?)));
        few_at_once(wanted.collect()).await
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        tellings: Vec<Telling>,
    ) -> Result<(), HandlerError> {
        for event in events {
            erasure::note_event(connection, event, self.clock.now()).await?;
            self.queue_mail(connection, event).await?;
        }
        Ok(self.teller.tell(connection, events, tellings).await?)
    }

    fn committed(&self, _events: &[Event]) {
        self.teller.told();
        self.erasures.ring();
    }

    /// The inbox stays without it; the mail goes out.
    async fn given_up(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        self.queue_mail(connection, event).await
    }
}
