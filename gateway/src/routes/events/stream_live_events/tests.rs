//! Tests the stream on the real layers while notify-svc becomes unavailable.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::DateTime;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::live_event_service_server::{LiveEventService, LiveEventServiceServer};
use futures::Stream;
use http_body_util::BodyExt as _;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_process::shutdown::Shutdown;
use kit_testing::{TestService, TestUser, token_verifier};
use tonic::service::Routes;
use tonic::{Response, Status};
use tower::ServiceExt as _;

use crate::config::Config;
use crate::router;
use crate::services::Services;
use crate::state::AppState;

/// A notify-svc that returns these responses in order and then never responds.
#[derive(Clone)]
struct FakeLiveEventService(Arc<Mutex<Vec<Result<pb::ListLiveEventsResponse, Status>>>>);

#[tonic::async_trait]
impl LiveEventService for FakeLiveEventService {
    type StreamLiveEventsStream =
        Pin<Box<dyn Stream<Item = Result<pb::StreamLiveEventsResponse, Status>> + Send>>;

    async fn list_live_events(
        &self,
        _request: tonic::Request<pb::ListLiveEventsRequest>,
    ) -> Result<Response<pb::ListLiveEventsResponse>, Status> {
        let next = self.0.lock().expect("the lock is not poisoned").pop();
        match next {
            Some(response) => response.map(Response::new),
            None => std::future::pending().await,
        }
    }

    async fn stream_live_events(
        &self,
        _request: tonic::Request<pb::StreamLiveEventsRequest>,
    ) -> Result<Response<Self::StreamLiveEventsStream>, Status> {
        Err(Status::unavailable("not here"))
    }
}

fn page(seq: i64) -> pb::ListLiveEventsResponse {
    let (entity, permission) = ("account".into(), "accounts:read".into());
    let entry = pb::LiveEvent { seq, entity, permission, ..pb::LiveEvent::default() };
    pb::ListLiveEventsResponse { events: vec![entry], until: seq, is_reset: false }
}

/// Reads the stream after id 0 until it ends or sends a heartbeat.
///
/// Returns the text, and whether the stream has ended.
async fn read(mut responses: Vec<Result<pb::ListLiveEventsResponse, Status>>) -> (String, bool) {
    responses.reverse();
    let clock = Clock::manual(DateTime::UNIX_EPOCH);
    let routes =
        Routes::new(LiveEventServiceServer::new(FakeLiveEventService(Arc::new(Mutex::new(responses)))));
    let notify = TestService::fake("notify", routes, &clock).transport("gateway");
    let services = Services { auth: notify.clone(), ledger: notify.clone(), budget: notify.clone(), notify };
    let config = Config {
        request_timeout: Duration::from_secs(30),
        rate_limit: None,
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        certificate: None,
        serves_documents: true,
        max_connections: 100,
        redis: None,
    };
    let ana = TestUser::new(&clock);
    let state = AppState::new(
        config,
        token_verifier(&clock),
        clock,
        Random::seeded(1),
        services,
        &Shutdown::default(),
    );
    let request = Request::get("/api/v1/events")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", ana.token()))
        .header("last-event-id", "0")
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))))
        .body(Body::empty())
        .expect("the request is valid");
    let response = router::app(state).oneshot(request).await.expect("the router responds");
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut text = String::new();
    // A heartbeat shows that no more events follow.
    while !text.contains("\n:\n") {
        let Some(frame) = body.frame().await else { return (text, true) };
        let data = frame.expect("the frame is read").into_data().expect("the frame has data");
        text.push_str(&String::from_utf8_lossy(&data));
    }
    (text, false)
}

fn ids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_survives_an_unavailable_service() {
    let gone = || Err(Status::unavailable("gone"));
    let (text, has_ended) = read(vec![Ok(page(1)), gone(), gone(), Ok(page(2))]).await;
    assert!(!has_ended, "{text}");
    assert_eq!(ids(&text), ["1", "2"], "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_the_permission_is_lost() {
    let (text, has_ended) = read(vec![Ok(page(1)), Err(Status::permission_denied("no"))]).await;
    assert!(has_ended, "{text}");
    assert_eq!(ids(&text), ["1"], "{text}");
}
