//! Tests the protection in an untrusted network.
//!
//! Rate limits are shared between gateways, and services use mutual TLS.

use std::process::Stdio;
use std::time::Duration;

use fintrac_kit::testing::CertificateAuthority;
use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Settings, System, free_port};
use reqwest::Method;
use serde_json::json;
use tokio::process::{Child, Command};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::BINARY;
use crate::identity::logged_in;
use crate::money::TestUser;

async fn redis(port: u16, dir: &std::path::Path) -> Child {
    let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
    let child = Command::new("redis-server")
        .args(arguments)
        .arg(port.to_string())
        .current_dir(dir)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Redis starts");
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let responds = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), responds).await.expect("Redis responds");
    child
}

#[tokio::test]
async fn rate_limits_are_shared_through_redis_and_local_without_it() {
    const REQUESTS_PER_MINUTE: usize = 40;
    let port = free_port();
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = redis(port, dir.path()).await;
    let environment = vec![
        ("REDIS_URL", format!("redis://127.0.0.1:{port}/0")),
        ("RATE_LIMIT_PER_MINUTE", REQUESTS_PER_MINUTE.to_string()),
        // Keeps a busy machine from falling back to the local limit.
        ("REDIS_SOCKET_TIMEOUT", "5".to_owned()),
    ];
    let settings = Settings { environment, ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let ledger = system.ledger_grpc.clone();
    let second = Client::new(&format!("http://{}", system.start_gateway(Some(&ledger)).await));
    let ask = async |client: &Client, from: &str| {
        let request = client.request(Method::GET, "/api/v1/nothing").header("x-forwarded-for", from);
        let response = request.send().await.expect("a response");
        let left = response.headers()["ratelimit"].to_str().expect("text").to_owned();
        assert_eq!(
            response.headers()["ratelimit-policy"],
            format!("\"default\";q={REQUESTS_PER_MINUTE};w=60")
        );
        let waits = response.headers().contains_key("retry-after");
        assert_eq!(waits, response.status() == 429, "{left}");
        response.status().as_u16()
    };
    let started = tokio::time::Instant::now();
    let mut admitted = 0;
    for _ in 0..REQUESTS_PER_MINUTE {
        for client in [&system.client, &second] {
            admitted += usize::from(ask(client, "198.51.100.1").await != 429);
        }
    }
    // The limit refills by one request every 1.5 s.
    let most = REQUESTS_PER_MINUTE + usize::try_from(started.elapsed().as_secs()).expect("short") + 1;
    assert!(
        (REQUESTS_PER_MINUTE..=most).contains(&admitted),
        "{admitted} of {} were allowed at two gateways",
        2 * REQUESTS_PER_MINUTE
    );
    assert_ne!(ask(&second, "198.51.100.2").await, 429, "another address");

    server.kill().await.expect("killed");
    for client in [&system.client, &second] {
        for _ in 0..REQUESTS_PER_MINUTE / 2 {
            assert_eq!(ask(client, "198.51.100.3").await, 404, "without Redis, the limit is local");
        }
    }
    // After Redis restarts, empty, the gateways use it again.
    let _server = redis(port, dir.path()).await;
    let shared = async {
        let mut number = 0_u32;
        loop {
            number += 1;
            let from = format!("198.51.100.{}", 10 + number % 200);
            while ask(&system.client, &from).await != 429 {}
            if ask(&second, &from).await == 429 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), shared).await.expect("the limit is shared again");
    system.terminate().await;
}

#[tokio::test]
async fn services_authenticate_with_certificates() {
    let (authority, stranger) = (CertificateAuthority::new(), CertificateAuthority::new());
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let own = authority.issue(&["127.0.0.1"]);
    let environment = vec![
        ("GRPC_TLS_CERT", file("cert.pem", &own.certificate)),
        ("GRPC_TLS_KEY", file("key.pem", &own.key)),
        ("GRPC_TLS_CA", file("ca.pem", &authority.pem)),
    ];
    let settings = Settings { environment, scheme: "https", ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let token = logged_in(&system, "private@example.com").await.text("access_token");
    let ana = TestUser::with_existing_token(&system, &token);
    ana.account(json!({"name": "Bank", "account_type": "bank", "balance": "100"})).await;
    assert_eq!(ana.get("/api/v1/budgets/summary").await.status, 200);

    let https = system.ledger_grpc.replace("http:", "https:");
    let connect = async |tls: Option<ClientTlsConfig>| {
        let url = if tls.is_some() { &https } else { &system.ledger_grpc };
        let mut endpoint = Channel::from_shared(url.clone()).expect("a URL");
        if let Some(tls) = tls {
            endpoint = endpoint.tls_config(tls).expect("TLS");
        }
        let channel = endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
        let check = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
        check.map(|_| ()).map_err(|status| status.to_string())
    };
    let trusting = || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority.pem));
    let with = |issued: &fintrac_kit::testing::IssuedCertificate| {
        trusting().identity(Identity::from_pem(&issued.certificate, &issued.key))
    };
    connect(Some(with(&own))).await.expect("a certificate of the system");
    connect(None).await.expect_err("without TLS");
    connect(Some(trusting())).await.expect_err("without a certificate");
    connect(Some(with(&stranger.issue(&["127.0.0.1"]))))
        .await
        .expect_err("a certificate of another authority");
    system.terminate().await;
}

#[tokio::test]
async fn other_services_work_while_one_is_down() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let token = logged_in(&system, "partly@example.com").await.text("access_token");
    let calls = [
        ("notify", "/api/v1/notifications"),
        ("budget", "/api/v1/goals"),
        ("ledger", "/api/v1/accounts"),
        ("auth", "/api/v1/users/me"),
    ];
    for (down, _) in calls {
        for (_, path) in calls {
            assert_eq!(system.client.get_as(&token, path).await.status, 200, "{path}");
        }
        system.kill_service(down).await;
        for (service, path) in calls {
            let response = system.client.get_as(&token, path).await;
            if service == down {
                assert_eq!((response.status, response.code()), (503, "UNAVAILABLE"), "{path}: {response:?}");
                assert!(response.text("detail").contains(down), "the detail names the service: {response:?}");
            } else {
                // The last known revocations are valid for a minute without auth-svc.
                assert_eq!(response.status, 200, "{path} without {down}: {response:?}");
            }
        }
        assert_eq!(system.readiness().await["missing"], json!([down]));
        system.restart_service(down);
        system.wait_until_ready().await;
    }
    system.terminate().await;
}
