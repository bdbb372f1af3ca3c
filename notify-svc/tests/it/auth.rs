//! The other side: a log of auth's events, and the facts that mails need.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use fintrac_kit::access::Gate;
use fintrac_kit::access::credential::ServiceKeys;
use fintrac_kit::access::trust::{Trust, TrustConfig};
use fintrac_kit::clock::Clock;
use fintrac_kit::error::Refusal;
use fintrac_kit::server::server_stack;
use fintrac_kit::transport::{self, Transport};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mail_facts_service_server::{MailFactsService, MailFactsServiceServer};
use fintrac_proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest, SubscribeResponse};
use futures::Stream;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

/// What auth-svc would know.
#[derive(Clone)]
pub struct Auth {
    events: watch::Sender<Vec<Event>>,
    pub recipient: Arc<Mutex<pb::Recipient>>,
    pub facts: Arc<Mutex<Facts>>,
}

/// How it answers questions on challenges.
#[derive(Clone)]
pub enum Facts {
    Secrets { token: &'static str, code: &'static str },
    Lapsed,
    OutOfReach,
}

impl Auth {
    pub fn new(locale: &str) -> Self {
        let recipient = pb::Recipient {
            email: "ana@example.com".into(),
            first_name: "Ana".into(),
            locale: locale.into(),
        };
        Self {
            events: watch::Sender::default(),
            recipient: Arc::new(Mutex::new(recipient)),
            facts: Arc::new(Mutex::new(Facts::Secrets { token: "THE-TOKEN", code: "042042" })),
        }
    }

    /// Appends an event of `entity` to the log.
    pub fn tell(&self, entity: &str, kind: &str) {
        self.events.send_modify(|events| {
            let sequence = i64::try_from(events.len()).expect("few events") + 1;
            events.push(Event {
                position: Some(Position { epoch: 1, transaction_id: sequence, sequence }),
                id: Uuid::from_u128(u128::from(sequence.unsigned_abs())).to_string(),
                user_id: Uuid::from_u128(7).to_string(),
                entity: entity.into(),
                entity_id: Uuid::from_u128(8).to_string(),
                kind: kind.into(),
                ..Event::default()
            });
        });
    }

    pub fn transport(&self, clock: &Clock) -> Transport {
        let routes = Routes::new(EventLogServiceServer::new(self.clone()));
        let routes = routes.add_service(MailFactsServiceServer::new(self.clone()));
        let keys = ServiceKeys::from_secret("a secret for tests");
        let config =
            TrustConfig { issuer: "fintrac".into(), grace: Duration::from_mins(1), hs256_secret: None };
        let trust = Arc::new(Trust::new(config, clock.clone()));
        let gate = Gate::new("auth", keys.clone(), trust, clock.clone());
        transport::local(server_stack(routes, Arc::new(gate)), keys.issuer("notify", "auth", clock))
    }
}

pub fn clock() -> Clock {
    Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"))
}

#[tonic::async_trait]
impl EventLogService for Auth {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let after = request.into_inner().after.map_or(0, |after| after.sequence);
        let mut seen = usize::try_from(after).expect("a count");
        let mut events = self.events.subscribe();
        Ok(Response::new(Box::pin(async_stream::stream! {
            loop {
                let fresh = events.borrow_and_update()[seen..].to_vec();
                seen += fresh.len();
                if !fresh.is_empty() {
                    yield Ok(SubscribeResponse { events: fresh });
                }
                if events.changed().await.is_err() {
                    return;
                }
            }
        })))
    }
}

#[tonic::async_trait]
impl MailFactsService for Auth {
    async fn get_recipient(
        &self,
        _request: Request<pb::GetRecipientRequest>,
    ) -> Result<Response<pb::GetRecipientResponse>, Status> {
        let recipient = self.recipient.lock().expect("no panic").clone();
        Ok(Response::new(pb::GetRecipientResponse { recipient: Some(recipient) }))
    }

    async fn get_challenge(
        &self,
        _request: Request<pb::GetChallengeRequest>,
    ) -> Result<Response<pb::GetChallengeResponse>, Status> {
        let recipient = Some(self.recipient.lock().expect("no panic").clone());
        match self.facts.lock().expect("no panic").clone() {
            Facts::Secrets { token, code } => Ok(Response::new(pb::GetChallengeResponse {
                recipient,
                token: token.into(),
                code: code.into(),
            })),
            Facts::Lapsed => Err(Refusal::new(Code::NotFound, "CHALLENGE_LAPSED", "Nothing is left.").into()),
            Facts::OutOfReach => Err(Status::unavailable("down")),
        }
    }
}
