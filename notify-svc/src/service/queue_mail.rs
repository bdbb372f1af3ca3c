//! Which event asks for which mail.

use fintrac_kit::clock::Clock;
use fintrac_kit::events::{Bell, Handler, HandlerError};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_proto::events::v1::Event;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::mail::{Mail, MailKind};
use crate::store::mails;

/// Turns auth's events into queued mails.
#[derive(Debug)]
pub struct QueueMail {
    clock: Clock,
    random: Random,
    waiting: Bell,
}

impl QueueMail {
    /// `waiting` is rung when mails wait to be sent.
    pub fn new(deps: &Deps, waiting: Bell) -> Self {
        Self { clock: deps.clock.clone(), random: deps.random.clone(), waiting }
    }
}

fn kind(event: &Event) -> Option<MailKind> {
    match (event.entity.as_str(), event.kind.as_str()) {
        ("challenge", "verification_requested") => Some(MailKind::Verification),
        ("user", "already_registered") => Some(MailKind::AlreadyRegistered),
        ("user", "verified") => Some(MailKind::Welcome),
        _ => None,
    }
}

fn id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Poison(error.to_string()))
}

impl Handler for QueueMail {
    type Prepared = ();

    async fn prepare(&self, _event: &Event) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(&self, connection: &mut PgConnection, event: &Event, (): ()) -> Result<(), HandlerError> {
        let Some(kind) = kind(event) else { return Ok(()) };
        let now = self.clock.now();
        let (user_id, subject_id) = (id(&event.user_id)?, id(&event.entity_id)?);
        let mail = Mail { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
        Ok(mails::insert(connection, &mail, id(&event.id)?, now).await?)
    }

    fn committed(&self) {
        self.waiting.ring();
    }
}
