//! Which event asks for which mail.

use fintrac_kit::clock::Clock;
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
}

impl QueueMail {
    /// `waiting` is rung when mails wait to be sent.
    pub fn new(deps: &Deps, waiting: Bell) -> Self {
        Self { clock: deps.clock.clone(), random: deps.random.clone(), waiting }
    }
}

fn kind(event: &Event) -> Option<Kind> {
    match (event.entity.as_str(), event.kind.as_str()) {
        ("challenge", "verification_requested") => Some(Kind::Verification),
        ("user", "already_registered") => Some(Kind::AlreadyRegistered),
        ("user", "verified") => Some(Kind::Welcome),
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
    }
}
