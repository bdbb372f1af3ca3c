//! Telling people of a household: each in his language, by the ways that he
//! wants, and once.

use std::collections::HashMap;

use fintrac_kit::clock::Clock;
use fintrac_kit::events::{Bell, HandlerError};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::mail_facts_service_client::MailFactsServiceClient;
use fintrac_proto::events::v1::Event;
use futures::future::try_join_all;
use sqlx::PgConnection;
use uuid::Uuid;

use super::account_facts::Told;
use super::id;
use crate::domain::feed::changes;
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::domain::notification::Notification;
use crate::render::{self, Facts};
use crate::store::{feed, mails, notifications};

/// Questions that are asked at once.
const QUESTIONS: usize = 8;

/// Whoever tells people.
#[derive(Debug)]
pub struct Teller {
    clock: Clock,
    random: Random,
    auth: MailFactsServiceClient<Transport>,
    bells: Bells,
}

/// What rings after something was told.
#[derive(Debug, Clone, Default)]
pub struct Bells {
    /// Mails wait to be sent.
    pub mails: Bell,
    /// The feed goes on.
    pub feed: Bell,
}

/// A notification, what asked for it, and whether it goes by mail too.
#[derive(Debug)]
pub struct Telling {
    /// What it is told once for.
    event_id: Uuid,
    notification: Notification,
    by_mail: bool,
}

impl Teller {
    pub fn new(deps: &Deps, auth: Transport, bells: Bells) -> Self {
        let auth = MailFactsServiceClient::new(auth);
        Self { clock: deps.clock.clone(), random: deps.random.clone(), auth, bells }
    }

    pub fn auth(&self) -> MailFactsServiceClient<Transport> {
        self.auth.clone()
    }

    /// What to tell everybody of a household who wants to hear of a kind.
    pub async fn everybody(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: Kind,
        facts: &Facts,
    ) -> Result<Vec<Telling>, HandlerError> {
        let listeners = self.audience(household_id, kind).await?;
        let telling = |listener| self.telling(event_id, household_id, kind, listener, facts);
        listeners.into_iter().map(telling).collect()
    }

    /// The same, each with facts of his own; those without any are told nothing.
    pub async fn some(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: Kind,
        facts: &HashMap<String, Facts>,
    ) -> Result<Vec<Telling>, HandlerError> {
        let listeners = self.audience(household_id, kind).await?;
        let concerned = listeners.into_iter().filter_map(|listener| {
            let facts = facts.get(&listener.user_id)?;
            Some(self.telling(event_id, household_id, kind, listener, facts))
        });
        concerned.collect()
    }

    /// What to tell a user of his own account, in the app: mails of it are queued by themselves.
    /// `None` when there is no household yet, thus nobody who could read it.
    pub fn user(&self, event: &Event, kind: Kind, told: &Told) -> Result<Option<Telling>, HandlerError> {
        let recipient = &told.recipient;
        if recipient.household_id.is_empty() {
            return Ok(None);
        }
        let (title, body) = render::account_notice(&recipient.locale, kind, &told.values)?;
        let user_id = id(&event.user_id)?;
        let (entity, entity_id) = match kind {
            Kind::NewDevice => ("device", id(&event.entity_id)?),
            _ => ("user", user_id),
        };
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id,
            household_id: id(&recipient.household_id)?,
            kind,
            entity,
            entity_id,
            locale: recipient.locale.clone(),
            title,
            body,
            in_inbox: true,
            read_at: None,
            version: 1,
            created_at: now,
        };
        Ok(Some(Telling { event_id: id(&event.id)?, notification, by_mail: false }))
    }

    async fn audience(&self, household_id: &str, kind: Kind) -> Result<Vec<auth::Listener>, HandlerError> {
        let request =
            auth::ListAudienceRequest { household_id: household_id.to_owned(), kind: kind.name().to_owned() };
        Ok(self.auth.clone().list_audience(request).await?.into_inner().listeners)
    }

    fn telling(
        &self,
        event_id: Uuid,
        household_id: &str,
        kind: Kind,
        listener: auth::Listener,
        facts: &Facts,
    ) -> Result<Telling, HandlerError> {
        let (title, body) = render::notice(&listener.locale, kind, facts)?;
        let (entity, entity_id) = facts.about();
        let now = self.clock.now();
        let notification = Notification {
            id: self.random.id(now),
            user_id: id(&listener.user_id)?,
            household_id: id(household_id)?,
            kind,
            entity,
            entity_id: id(entity_id)?,
            locale: listener.locale,
            title,
            body,
            in_inbox: listener.inbox,
            read_at: None,
            version: 1,
            created_at: now,
        };
        Ok(Telling { event_id, notification, by_mail: listener.mail })
    }

    /// Writes what was not told before, and what of it all the feed tells.
    pub async fn tell(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        tellings: Vec<Telling>,
    ) -> Result<(), sqlx::Error> {
        let mut changes = changes(events);
        for Telling { event_id, notification, by_mail } in tellings {
            let is_new = notifications::insert(connection, &notification, event_id).await?;
            changes.extend(notification.change().filter(|_| is_new));
            if is_new && by_mail {
                let (user_id, kind) = (notification.user_id, notification.kind);
                let now = notification.created_at;
                let subject_id = notification.id;
                let mail = Mail { id: self.random.id(now), user_id, kind, subject_id, attempts: 0 };
                mails::insert(connection, &mail, event_id, now).await?;
            }
        }
        feed::append(connection, &changes, self.clock.now()).await
    }

    /// To call when what was told is committed.
    pub fn told(&self) {
        self.bells.mails.ring();
        self.bells.feed.ring();
    }
}

/// The answers of all, a few of which are asked at once.
pub async fn few_at_once<F>(wanted: Vec<F>) -> Result<Vec<Telling>, HandlerError>
where
    F: Future<Output = Result<Vec<Telling>, HandlerError>>,
{
    let (mut tellings, mut wanted) = (Vec::new(), wanted.into_iter().peekable());
    while wanted.peek().is_some() {
        let asked = try_join_all(wanted.by_ref().take(QUESTIONS)).await?;
        tellings.extend(asked.into_iter().flatten());
    }
    Ok(tellings)
}
