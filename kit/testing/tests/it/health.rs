//! Tests of the health that a service reports.

use fintrac_proto::events::v1::SubscribeRequest;
use fintrac_proto::events::v1::event_log_service_client::EventLogServiceClient;
use kit_access::token_verifier::TrustUpdate;
use kit_process::shutdown::Shutdown;
use kit_rpc::transport;
use kit_service::module::ServiceModule;
use kit_service::serve::{self, start_module};
use kit_testing::{TestDatabase, deps};
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support;

#[tokio::test]
async fn a_service_is_healthy_from_its_first_trust_update_until_shutdown() {
    let clock = support::clock();
    let database = TestDatabase::new(&[&support::schema()], &clock).await;
    let pool = database.pool(&support::schema(), &clock).await;
    let module = ServiceModule::new("toy", &deps(&pool, &clock), &[], &[]);
    let (token_verifier, shutdown) = (support::token_verifier(&clock), Shutdown::default());
    let (server, health_only) =
        start_module(module, support::authorizer(&clock), &token_verifier, false, &shutdown).await;
    let issuer = support::keys().issuer("gateway", "auth", &clock);
    let mut client = HealthClient::new(transport::local(server, issuer));
    let whole = || HealthCheckRequest { service: String::new() };

    let first = client.check(whole()).await.expect("a response").into_inner();
    assert_eq!(first.status(), ServingStatus::NotServing, "no check has run yet");
    let live = HealthCheckRequest { service: "live".into() };
    let live = client.check(live).await.expect("a response").into_inner();
    assert_eq!(live.status(), ServingStatus::Serving, "a restart would not help");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    serve::health(listener, health_only, &shutdown);
    let probes = Channel::from_shared(format!("http://{address}")).expect("a URL").connect_lazy();
    let live = HealthCheckRequest { service: "live".into() };
    let probed = HealthClient::new(probes.clone()).check(live).await.expect("a response").into_inner();
    assert_eq!(probed.status(), ServingStatus::Serving, "also on its own port");
    let other = EventLogServiceClient::new(probes).subscribe(SubscribeRequest::default()).await;
    assert_eq!(other.expect_err("only health is served").code(), Code::Unimplemented);

    let mut watched = client.watch(whole()).await.expect("a stream").into_inner();
    let mut next = async || watched.message().await.expect("a stream").expect("a status").status();
    assert_eq!(next().await, ServingStatus::NotServing, "tokens cannot be verified yet");
    token_verifier.apply_snapshot(TrustUpdate::default());
    while next().await != ServingStatus::Serving {}
    shutdown.not_ready.cancel();
    while next().await != ServingStatus::NotServing {}
}
