//! The stream while notify-svc comes and goes, on the real layers.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::DateTime;
use fintrac_kit::clock::Clock;
use fintrac_kit::random::Random;
use fintrac_kit::serve::Stop;
use fintrac_kit::testing::{Part, TestUser, trust};
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::feed_service_server::{FeedService, FeedServiceServer};
use futures::Stream;
use http_body_util::BodyExt as _;
use tonic::service::Routes;
use tonic::{Response, Status};
use tower::ServiceExt as _;

use crate::config::Config;
use crate::router;
use crate::state::{AppState, Parts};

/// Answers in this order, and never again after the last.
#[derive(Clone)]
struct Notify(Arc<Mutex<Vec<Result<pb::ListFeedResponse, Status>>>>);

#[tonic::async_trait]
impl FeedService for Notify {
    type FollowFeedStream = Pin<Box<dyn Stream<Item = Result<pb::FollowFeedResponse, Status>> + Send>>;

    async fn list_feed(
        &self,
        _request: tonic::Request<pb::ListFeedRequest>,
    ) -> Result<Response<pb::ListFeedResponse>, Status> {
        let next = self.0.lock().expect("a lock").pop();
        match next {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }

    async fn follow_feed(
        &self,
        _request: tonic::Request<pb::FollowFeedRequest>,
    ) -> Result<Response<Self::FollowFeedStream>, Status> {
        Err(Status::unavailable("not here"))
    }
}

fn page(seq: i64) -> pb::ListFeedResponse {
    let (entity, permission) = ("account".into(), "accounts:read".into());
    let entry = pb::FeedEntry { seq, entity, permission, ..pb::FeedEntry::default() };
    pb::ListFeedResponse { entries: vec![entry], until: seq, is_reset: false }
}

/// What is read after the id 0, until the stream ends or nothing comes any more.
async fn read(mut answers: Vec<Result<pb::ListFeedResponse, Status>>) -> (String, bool) {
    answers.reverse();
    let clock = Clock::manual(DateTime::UNIX_EPOCH);
    let routes = Routes::new(FeedServiceServer::new(Notify(Arc::new(Mutex::new(answers)))));
    let notify = Part::double("notify", routes, &clock).transport("gateway");
    let parts = Parts { auth: notify.clone(), ledger: notify.clone(), budget: notify.clone(), notify };
    let config = Config {
        request_timeout: Duration::from_secs(30),
        rate_limit: None,
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        certificate: None,
        serves_documents: true,
        most_connections: 100,
        redis: None,
    };
    let ana = TestUser::new(&clock);
    let state = AppState::new(config, trust(&clock), clock, Random::seeded(1), parts, &Stop::default());
    let request = Request::get("/api/v1/events")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", ana.token()))
        .header("last-event-id", "0")
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))))
        .body(Body::empty())
        .expect("a request");
    let response = router::app(state).oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut said = String::new();
    // A heartbeat shows that nothing else comes.
    while !said.contains("\n:\n") {
        let Some(frame) = body.frame().await else { return (said, true) };
        let data = frame.expect("a frame").into_data().expect("data");
        said.push_str(&String::from_utf8_lossy(&data));
    }
    (said, false)
}

fn ids(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_outlives_a_part_that_cannot_be_reached() {
    let gone = || Err(Status::unavailable("gone"));
    let (said, has_ended) = read(vec![Ok(page(1)), gone(), gone(), Ok(page(2))]).await;
    assert!(!has_ended, "{said}");
    assert_eq!(ids(&said), ["1", "2"], "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_reader_may_not_read_any_more() {
    let (said, has_ended) = read(vec![Ok(page(1)), Err(Status::permission_denied("no"))]).await;
    assert!(has_ended, "{said}");
    assert_eq!(ids(&said), ["1"], "{said}");
}
