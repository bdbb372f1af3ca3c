//! Tests of both transports: they behave alike and obey the server stack.

use std::pin::Pin;
use std::sync::Arc;
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
use kit_access::Caller;
use kit_core::context::{self, Context};
use kit_rpc::server::{Server, server_stack};
use kit_rpc::transport::{self, Transport};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use crate::support::{authorizer, clock, keys};

/// A service that behaves as the id in the request specifies.
#[derive(Clone, Default)]
struct ScriptedService {
    next: Option<Transport>,
    dropped: Arc<Notify>,
}

#[derive(Clone)]
struct InjectedHeader;

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn response(id: &dyn ToString, note: &dyn ToString) -> Response<GetHouseholdResponse> {
    let household = Household { id: id.to_string(), timezone: note.to_string(), ..Household::default() };
    Response::new(GetHouseholdResponse { household: Some(household) })
}

#[tonic::async_trait]
impl HouseholdService for ScriptedService {
    async fn get_member(
        &self,
        _request: Request<GetMemberRequest>,
    ) -> Result<Response<GetMemberResponse>, Status> {
        Err(Status::unimplemented("not used in these tests"))
    }

    async fn get_household(
        &self,
        request: Request<GetHouseholdRequest>,
    ) -> Result<Response<GetHouseholdResponse>, Status> {
        let smuggled = request.extensions().get::<InjectedHeader>().is_some();
        let caller = Caller::from_request(&request).service.unwrap_or_default();
        match request.get_ref().household_id.as_str() {
            "panic" => panic!("the password is hunter2"),
            "hang" => {
                let _notify = NotifyOnDrop(self.dropped.clone());
                std::future::pending().await
            }
            "deadline" => {
                let deadline = context::current().and_then(|context| context.deadline);
                let left = deadline
                    .map_or(u128::MAX, |deadline| deadline.duration_since(Instant::now()).as_millis());
                Ok(response(&"deadline", &left))
            }
            "forward" => {
                let next = self.next.clone().expect("a next service");
                let household_id = "deadline".to_owned();
                HouseholdServiceClient::new(next).get_household(GetHouseholdRequest { household_id }).await
            }
            "request-id" => {
                let id = context::current().map(|context| context.request_id).unwrap_or_default();
                Ok(response(&id, &""))
            }
            _ => Ok(response(&caller, &smuggled)),
        }
    }
}

#[tonic::async_trait]
impl EventLogService for ScriptedService {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let panics = request.into_inner().after.is_some();
        Ok(Response::new(Box::pin(async_stream::stream! {
            yield Ok(SubscribeResponse::default());
            assert!(!panics, "the password is hunter2");
            std::future::pending::<()>().await;
        })))
    }
}

fn server(toy: ScriptedService) -> Server {
    let routes = Routes::new(HouseholdServiceServer::new(toy.clone()));
    server_stack(routes.add_service(EventLogServiceServer::new(toy)), authorizer(&clock()))
}

fn in_process(toy: ScriptedService) -> Transport {
    transport::local(server(toy), keys().issuer("ledger", "auth", &clock()))
}

async fn over_tcp(toy: ScriptedService) -> Transport {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let server = server(toy);
    tokio::spawn(async move {
        tonic::transport::Server::builder().serve_with_incoming(server, TcpIncoming::from(listener)).await
    });
    transport::remote(&url, None, keys().issuer("ledger", "auth", &clock())).expect("a URL")
}

async fn transports(toy: &ScriptedService) -> [(&'static str, Transport); 2] {
    [("in process", in_process(toy.clone())), ("over TCP", over_tcp(toy.clone()).await)]
}

async fn ask(transport: &Transport, what: &str) -> Result<Household, Status> {
    let request = GetHouseholdRequest { household_id: what.to_owned() };
    let response = HouseholdServiceClient::new(transport.clone()).get_household(request).await?;
    Ok(response.into_inner().household.unwrap_or_default())
}

fn within(limit: Duration) -> Context {
    Context { deadline: Some(Instant::now() + limit), request_id: "r-1".into(), ..Context::default() }
}

#[tokio::test]
async fn request_extensions_are_not_forwarded() {
    for (mode, transport) in transports(&ScriptedService::default()).await {
        let mut request = Request::new(GetHouseholdRequest::default());
        request.extensions_mut().insert(InjectedHeader);
        let response = HouseholdServiceClient::new(transport).get_household(request).await.expect(mode);
        let household = response.into_inner().household.expect("a household");
        assert_eq!((household.id.as_str(), household.timezone.as_str()), ("ledger", "false"), "{mode}");
    }
}

#[tokio::test]
async fn a_passed_deadline_ends_the_call_and_its_handler() {
    let toy = ScriptedService::default();
    for (mode, transport) in transports(&toy).await {
        let call = context::scope(within(Duration::from_secs(1)), ask(&transport, "hang"));
        assert_eq!(call.await.expect_err(mode).code(), Code::DeadlineExceeded, "{mode}");
        let dropped = tokio::time::timeout(Duration::from_mins(1), toy.dropped.notified());
        dropped.await.expect(mode);
    }
}

#[tokio::test]
async fn the_deadline_is_passed_on() {
    for (mode, next) in transports(&ScriptedService::default()).await {
        let toy = ScriptedService { next: Some(next), ..ScriptedService::default() };
        for (first, transport) in transports(&toy).await {
            let response = context::scope(within(Duration::from_secs(3)), ask(&transport, "forward")).await;
            let left: u128 = response.expect(mode).timezone.parse().expect("milliseconds");
            assert!(left <= 3000, "{first}, then {mode}: {left} ms left of 3000");
        }
    }
}

#[tokio::test]
async fn the_request_id_is_passed_on() {
    for (mode, transport) in transports(&ScriptedService::default()).await {
        let response = context::scope(within(Duration::from_secs(3)), ask(&transport, "request-id")).await;
        assert_eq!(response.expect(mode).id, "r-1", "{mode}");
    }
}

#[tokio::test]
async fn a_panic_is_internal_and_leaks_nothing() {
    for (mode, transport) in transports(&ScriptedService::default()).await {
        let status = ask(&transport, "panic").await.expect_err(mode);
        assert_eq!(status.code(), Code::Internal, "{mode}");
        assert!(!status.message().contains("hunter2"), "{mode}");
        assert!(ask(&transport, "").await.is_ok(), "{mode}: the service continues");
    }
}

/// Returns the status that a stream ends with.
async fn end(stream: &mut tonic::Streaming<SubscribeResponse>) -> Status {
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => return Status::ok("the stream ended without a status"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn a_panic_or_a_deadline_ends_a_stream_with_a_status() {
    for (mode, transport) in transports(&ScriptedService::default()).await {
        let mut client = EventLogServiceClient::new(transport);
        let request = SubscribeRequest { after: Some(fintrac_proto::events::v1::Position::default()) };
        let mut stream = client.subscribe(request).await.expect(mode).into_inner();
        let status = end(&mut stream).await;
        assert_eq!(status.code(), Code::Internal, "{mode}: a panic in the stream");
        assert!(!status.message().contains("hunter2"), "{mode}");

        let silent = context::scope(within(Duration::from_secs(1)), async {
            let mut stream = client.subscribe(SubscribeRequest::default()).await?.into_inner();
            Ok::<_, Status>(end(&mut stream).await)
        });
        let status = silent.await.expect(mode);
        assert_eq!(status.code(), Code::DeadlineExceeded, "{mode}: a deadline in the stream");
    }
}

#[tokio::test]
async fn only_named_callers_with_a_credential_are_admitted() {
    let clock = clock();
    for (caller, callee, secret, expected) in [
        ("ledger", "auth", "a secret for tests", None),
        ("gateway", "auth", "a secret for tests", Some(Code::PermissionDenied)),
        ("ledger", "notify", "a secret for tests", Some(Code::Unauthenticated)),
        ("ledger", "auth", "a wrong secret", Some(Code::Unauthenticated)),
    ] {
        let keys = kit_access::credential::ServiceKeys::from_secret(secret);
        let transport =
            transport::local(server(ScriptedService::default()), keys.issuer(caller, callee, &clock));
        let code = ask(&transport, "").await.err().map(|status| status.code());
        assert_eq!(code, expected, "{caller} with a credential for {callee}");
    }
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let transport = transport::remote(&url, None, keys().issuer("ledger", "auth", &clock())).expect("a URL");
    assert_eq!(ask(&transport, "").await.expect_err("no listener").code(), Code::Unavailable);
}

/// Every RPC has an access rule, and every reflected service is in the table.
#[test]
fn every_rpc_has_an_access_rule() {
    use prost::Message as _;
    let set = prost_types::FileDescriptorSet::decode(fintrac_proto::DESCRIPTORS).expect("descriptors");
    let mut reflected = 0;
    for file in set.file.iter().filter(|file| file.package().starts_with("fintrac.")) {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let access = fintrac_proto::access(&path).expect(&path);
                assert!(access.user || !access.callers.is_empty(), "{path} admits no caller");
                assert!(access.user || !access.direct, "{path}: only users call without a credential");
                reflected += 1;
            }
        }
    }
    assert_eq!(reflected, fintrac_proto::ACCESS.len());
}
