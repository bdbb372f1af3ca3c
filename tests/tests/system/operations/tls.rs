//! Mutual TLS between services.

use fintrac_tests::system::{Layout, Settings, System};
use kit_testing::{CertificateAuthority, IssuedCertificate};
use serde_json::json;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::BINARY;
use crate::support::TestUser;

pub async fn services_authenticate_with_certificates() {
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
    let ana = TestUser::new(&system, "private@example.com").await;
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
    let with = |issued: &IssuedCertificate| {
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
