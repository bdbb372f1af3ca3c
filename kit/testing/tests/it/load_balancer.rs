//! Tests of many replicas behind one transport: selection, loss and retries.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use fintrac_proto::auth::v1::household_service_server::{HouseholdService, HouseholdServiceServer};
use fintrac_proto::auth::v1::{
    GetHouseholdRequest, GetHouseholdResponse, GetMemberRequest, GetMemberResponse, Household,
};
use fintrac_proto::events::v1::event_log_service_client::EventLogServiceClient;
use fintrac_proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use fintrac_proto::events::v1::{SubscribeRequest, SubscribeResponse};
use futures::Stream;
use kit_core::context::{self, Context};
use kit_core::error::ProblemCode;
use kit_core::headers::IDEMPOTENCY_KEY;
use kit_rpc::server::server_stack;
use kit_rpc::transport::{self, Resolver, Transport};
use kit_testing::TestUser;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use crate::support::{authorizer, clock, keys};

/// A service that responds with its name, or with an error of `code`.
#[derive(Clone, Default)]
struct NamedReplica {
    name: &'static str,
    code: Option<ProblemCode>,
    calls: Arc<AtomicU32>,
}

#[tonic::async_trait]
impl HouseholdService for NamedReplica {
    async fn get_household(
        &self,
        _request: Request<GetHouseholdRequest>,
    ) -> Result<Response<GetHouseholdResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(code) = self.code {
            return Err(code.into());
        }
        let household = Household { id: self.name.to_owned(), ..Household::default() };
        Ok(Response::new(GetHouseholdResponse { household: Some(household) }))
    }

    async fn get_member(
        &self,
        _request: Request<GetMemberRequest>,
    ) -> Result<Response<GetMemberResponse>, Status> {
        Err(Status::unimplemented("not used in these tests"))
    }
}

#[tonic::async_trait]
impl EventLogService for NamedReplica {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        _request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Err(Status::unavailable("unavailable"))
    }
}

/// A replica with its own runtime, so that it can be killed like a process.
struct Replica {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Replica {
    async fn start(named: &NamedReplica) -> Self {
        Self::start_at("127.0.0.1:0", named).await
    }

    async fn start_at(address: &str, named: &NamedReplica) -> Self {
        let listener = TcpListener::bind(address).await.expect("bind");
        let address = listener.local_addr().expect("an address");
        let listener = listener.into_std().expect("a socket");
        let named = named.clone();
        let runtime = Runtime::new().expect("a runtime");
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            let routes = Routes::new(HouseholdServiceServer::new(named.clone()));
            let server =
                server_stack(routes.add_service(EventLogServiceServer::new(named)), authorizer(&clock()));
            let incoming = TcpIncoming::from(listener);
            tonic::transport::Server::builder().serve_with_incoming(server, incoming).await
        });
        Self { address, runtime: Some(runtime) }
    }

    /// Closes the listener and all connections at once.
    fn kill(&mut self) {
        self.runtime.take().expect("the replica runs").shutdown_background();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn named(name: &'static str) -> NamedReplica {
    NamedReplica { name, ..NamedReplica::default() }
}

fn lost() -> NamedReplica {
    NamedReplica { code: Some(ProblemCode::Unavailable), ..NamedReplica::default() }
}

fn to(replicas: &[&Replica]) -> Transport {
    let urls: Vec<_> = replicas.iter().map(|replica| format!("http://{}", replica.address)).collect();
    transport::remote(&urls.join(","), None, keys().issuer("ledger", "auth", &clock())).expect("URLs")
}

async fn ask(transport: &Transport, user: &TestUser) -> Result<String, Status> {
    let context = Context { access_token: Some(user.token().to_owned()), ..Context::default() };
    let mut client = HouseholdServiceClient::new(transport.clone());
    let response = context::scope(context, client.get_household(GetHouseholdRequest::default())).await?;
    Ok(response.into_inner().household.unwrap_or_default().id)
}

#[tokio::test]
async fn a_household_stays_on_its_replica_and_a_killed_replica_fails_no_call() {
    let (one, two) = (named("one"), named("two"));
    // No other process uses a port of this address while the replica is down.
    let mut first = Replica::start_at("127.0.0.77:0", &one).await;
    let second = Replica::start(&two).await;
    let transport = to(&[&first, &second]);
    let users: Vec<_> = (0..30).map(|_| TestUser::new(&clock())).collect();
    let mut replicas = Vec::new();
    for user in &users {
        let replica = ask(&transport, user).await.expect("a response");
        for _ in 0..3 {
            assert_eq!(ask(&transport, user).await.expect("a response"), replica, "the same replica");
        }
        replicas.push(replica);
    }
    let used: BTreeSet<_> = replicas.iter().map(String::as_str).collect();
    assert_eq!(used, BTreeSet::from(["one", "two"]), "both replicas get calls");

    first.kill();
    for user in &users {
        assert_eq!(ask(&transport, user).await.expect("no error"), "two");
    }
    let _first = Replica::start_at(&first.address.to_string(), &one).await;
    let household = replicas.iter().position(|replica| replica == "one").expect("one household");
    let back = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while ask(&transport, &users[household]).await.expect("no error") != "one" {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back).await.expect("the replica gets its households back");
}

#[tokio::test]
async fn only_idempotent_calls_are_retried() {
    let (one, two) = (lost(), lost());
    let (first, second) = (Replica::start(&one).await, Replica::start(&two).await);
    let transport = to(&[&first, &second]);
    let calls = || one.calls.load(Ordering::Relaxed) + two.calls.load(Ordering::Relaxed);
    let mut client = EventLogServiceClient::new(transport.clone());
    let error = client.subscribe(SubscribeRequest::default()).await.expect_err("unavailable");
    assert_eq!((error.code(), calls()), (Code::Unavailable, 1), "not idempotent");
    let mut keyed = Request::new(SubscribeRequest::default());
    keyed.metadata_mut().insert(IDEMPOTENCY_KEY, MetadataValue::from_static("a-key"));
    let error = client.subscribe(keyed).await.expect_err("unavailable");
    assert_eq!((error.code(), calls()), (Code::Unavailable, 4), "a key makes it idempotent");
    let error = ask(&transport, &TestUser::new(&clock())).await.expect_err("unavailable");
    assert_eq!((error.code(), calls()), (Code::Unavailable, 7), "three attempts");
    assert!(one.calls.load(Ordering::Relaxed) > 0 && two.calls.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn retries_have_a_budget() {
    let lost = lost();
    let replica = Replica::start(&lost).await;
    let transport = to(&[&replica]);
    let user = TestUser::new(&clock());
    let calls = futures::future::join_all((0..1_000).map(|_| ask(&transport, &user))).await;
    assert!(calls.iter().all(Result::is_err));
    let made = lost.calls.load(Ordering::Relaxed);
    assert!((1_001..1_500).contains(&made), "1,000 calls were made {made} times");
}

#[tokio::test]
async fn a_lost_response_is_retried_in_process_too() {
    let lost = lost();
    let routes = Routes::new(HouseholdServiceServer::new(lost.clone()));
    let server = server_stack(routes, authorizer(&clock()));
    let transport = transport::local(server, keys().issuer("ledger", "auth", &clock()));
    let error = ask(&transport, &TestUser::new(&clock())).await.expect_err("unavailable");
    assert_eq!((error.code(), lost.calls.load(Ordering::Relaxed)), (Code::Unavailable, 3));
}

#[tokio::test]
async fn an_overloaded_replica_is_not_retried() {
    let overloaded = NamedReplica { code: Some(ProblemCode::Overloaded), ..NamedReplica::default() };
    let replica = Replica::start(&overloaded).await;
    let error = ask(&to(&[&replica]), &TestUser::new(&clock())).await.expect_err("overloaded");
    assert_eq!((error.code(), overloaded.calls.load(Ordering::Relaxed)), (Code::Unavailable, 1));
}

#[tokio::test]
async fn a_new_replica_behind_a_name_gets_calls_and_a_failed_lookup_removes_none() {
    let (one, two) = (named("one"), named("two"));
    let (first, second) = (Replica::start(&one).await, Replica::start(&two).await);
    // The addresses that the name server returns.
    let addresses = Arc::new(Mutex::new(Some(vec![first.address])));
    let failures = Arc::new(AtomicU32::new(0));
    let (current, counted) = (Arc::clone(&addresses), Arc::clone(&failures));
    let resolver: Resolver = Arc::new(move |host, _port| {
        let found = current.lock().expect("no panic").clone().filter(|_| host == "auth.internal");
        counted.fetch_add(u32::from(found.is_none()), Ordering::Relaxed);
        Box::pin(async move { found.ok_or_else(|| std::io::Error::other("no such name")) })
    });
    let issuer = keys().issuer("ledger", "auth", &clock());
    let transport =
        transport::remote_with_resolver("http://auth.internal:50051", None, issuer, resolver).expect("a URL");
    let users: Vec<_> = (0..30).map(|_| TestUser::new(&clock())).collect();
    let replicas_in_use = async || {
        let mut replicas = BTreeSet::new();
        for user in &users {
            replicas.insert(ask(&transport, user).await.expect("a response"));
        }
        replicas
    };
    assert_eq!(replicas_in_use().await, BTreeSet::from(["one".to_owned()]));
    let both = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
    *addresses.lock().expect("no panic") = Some(vec![first.address, second.address]);
    let found = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while replicas_in_use().await != both {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.expect("the new replica gets calls");
    *addresses.lock().expect("no panic") = Some(vec![second.address]);
    let gone = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while replicas_in_use().await != BTreeSet::from(["two".to_owned()]) {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("the old replica gets no calls");
    *addresses.lock().expect("no panic") = None;
    let unknown = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while failures.load(Ordering::Relaxed) == 0 {
            assert_eq!(replicas_in_use().await, BTreeSet::from(["two".to_owned()]));
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), unknown).await.expect("the name is resolved");
    assert_eq!(replicas_in_use().await, BTreeSet::from(["two".to_owned()]));
}
