//! A fake auth-svc: its event log and the data for emails.

use std::sync::{Arc, Mutex};

use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_server::{EmailDataService, EmailDataServiceServer};
use fintrac_proto::events::v1::Event;
use kit_core::clock::Clock;
use kit_core::error::{ProblemCode, RpcError};
use kit_rpc::transport::Transport;
use kit_testing::{FakeEventLog, TestService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The state of the fake auth-svc.
#[derive(Clone)]
pub struct Auth {
    log: FakeEventLog,
    pub recipient: Arc<Mutex<pb::Recipient>>,
    pub challenge_reply: Arc<Mutex<ChallengeReply>>,
    /// The users subscribed to any kind.
    pub subscribers: Arc<Mutex<Vec<pb::Subscriber>>>,
    /// The users' limits for large transactions.
    pub limits: Arc<Mutex<Vec<pb::LargeTransactionLimit>>>,
    /// The households, ordered by id.
    pub households: Arc<Mutex<Vec<pb::HouseholdTimezone>>>,
}

/// The response to GetChallengeData.
#[derive(Clone)]
pub enum ChallengeReply {
    Secrets {
        token: &'static str,
        code: &'static str,
    },
    Lapsed,
    Unavailable,
    /// The service has a defect and returns no recipient either.
    Broken,
}

impl Auth {
    pub fn new(locale: &str) -> Self {
        let recipient = pb::Recipient {
            email: "ana@example.com".into(),
            first_name: "Ana".into(),
            locale: locale.into(),
            timezone: "Europe/Madrid".into(),
            household_id: Uuid::from_u128(9).to_string(),
        };
        Self {
            log: FakeEventLog::default(),
            recipient: Arc::new(Mutex::new(recipient)),
            challenge_reply: Arc::new(Mutex::new(ChallengeReply::Secrets {
                token: "THE-TOKEN",
                code: "042042",
            })),
            subscribers: Arc::default(),
            limits: Arc::default(),
            households: Arc::default(),
        }
    }

    /// Appends an event of `entity` to the log.
    pub fn append(&self, entity: &str, kind: &str) {
        self.log.append(Event {
            user_id: Uuid::from_u128(7).to_string(),
            entity: entity.into(),
            entity_id: Uuid::from_u128(8).to_string(),
            kind: kind.into(),
            ..Event::default()
        });
    }

    /// Appends `event` unchanged.
    pub fn append_event(&self, event: Event) {
        self.log.append(event);
    }

    pub fn transport(&self, clock: &Clock) -> Transport {
        let routes = Routes::new(self.log.clone().into_service());
        let routes = routes.add_service(EmailDataServiceServer::new(self.clone()));
        TestService::fake("auth", routes, clock).transport("notify")
    }
}

#[tonic::async_trait]
impl EmailDataService for Auth {
    async fn get_recipient(
        &self,
        request: Request<pb::GetRecipientRequest>,
    ) -> Result<Response<pb::GetRecipientResponse>, Status> {
        if matches!(*self.challenge_reply.lock().expect("no panic"), ChallengeReply::Broken) {
            return Err(Status::internal("a defect"));
        }
        let recipient = self.recipient.lock().expect("no panic").clone();
        let kind = request.into_inner().kind;
        let may_end =
            ["budget", "goal", "large", "recurring", "monthly"].iter().any(|word| kind.starts_with(word));
        let unsubscribe_token = if may_end { format!("end-{kind}") } else { String::new() };
        Ok(Response::new(pb::GetRecipientResponse { recipient: Some(recipient), unsubscribe_token }))
    }

    async fn list_subscribers(
        &self,
        _request: Request<pb::ListSubscribersRequest>,
    ) -> Result<Response<pb::ListSubscribersResponse>, Status> {
        let subscribers = self.subscribers.lock().expect("no panic").clone();
        Ok(Response::new(pb::ListSubscribersResponse { subscribers }))
    }

    async fn list_household_timezones(
        &self,
        request: Request<pb::ListHouseholdTimezonesRequest>,
    ) -> Result<Response<pb::ListHouseholdTimezonesResponse>, Status> {
        let households = self.households.lock().expect("no panic").clone();
        // Each household is on its own page.
        let after = request.into_inner().after;
        let next = households.into_iter().find(|household| household.household_id > after);
        Ok(Response::new(pb::ListHouseholdTimezonesResponse { households: next.into_iter().collect() }))
    }

    async fn list_large_transaction_limits(
        &self,
        request: Request<pb::ListLargeTransactionLimitsRequest>,
    ) -> Result<Response<pb::ListLargeTransactionLimitsResponse>, Status> {
        let household_ids = request.into_inner().household_ids;
        let mut limits = self.limits.lock().expect("no panic").clone();
        limits.retain(|limit| household_ids.contains(&limit.household_id));
        Ok(Response::new(pb::ListLargeTransactionLimitsResponse { limits }))
    }

    async fn get_challenge_data(
        &self,
        _request: Request<pb::GetChallengeDataRequest>,
    ) -> Result<Response<pb::GetChallengeDataResponse>, Status> {
        let recipient = Some(self.recipient.lock().expect("no panic").clone());
        match self.challenge_reply.lock().expect("no panic").clone() {
            ChallengeReply::Secrets { token, code } => Ok(Response::new(pb::GetChallengeDataResponse {
                recipient,
                token: token.into(),
                code: code.into(),
            })),
            ChallengeReply::Lapsed => {
                Err(RpcError::new(ProblemCode::ChallengeLapsed, "The challenge has lapsed.").into())
            }
            ChallengeReply::Unavailable | ChallengeReply::Broken => Err(Status::unavailable("down")),
        }
    }

    async fn get_device_data(
        &self,
        _request: Request<pb::GetDeviceDataRequest>,
    ) -> Result<Response<pb::GetDeviceDataResponse>, Status> {
        Ok(Response::new(pb::GetDeviceDataResponse {
            recipient: Some(self.recipient.lock().expect("no panic").clone()),
            name: "Ana's <b>phone".into(),
            client_ip: "198.51.100.7".into(),
            first_seen_at: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        }))
    }

    async fn get_deletion_data(
        &self,
        _request: Request<pb::GetDeletionDataRequest>,
    ) -> Result<Response<pb::GetDeletionDataResponse>, Status> {
        let recipient = Some(self.recipient.lock().expect("no panic").clone());
        let erased_at = match self.challenge_reply.lock().expect("no panic").clone() {
            ChallengeReply::Lapsed => None,
            ChallengeReply::Secrets { .. } | ChallengeReply::Unavailable | ChallengeReply::Broken => {
                Some(prost_types::Timestamp { seconds: 1_792_592_000, nanos: 0 })
            }
        };
        Ok(Response::new(pb::GetDeletionDataResponse { recipient, erased_at }))
    }

    async fn get_previous_recipient(
        &self,
        _request: Request<pb::GetPreviousRecipientRequest>,
    ) -> Result<Response<pb::GetPreviousRecipientResponse>, Status> {
        let recipient = self.recipient.lock().expect("no panic").clone();
        let recipient = Some(pb::Recipient { email: "former@example.com".into(), ..recipient });
        Ok(Response::new(pb::GetPreviousRecipientResponse { recipient }))
    }
}
