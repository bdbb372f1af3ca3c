//! Health check of a process on the same machine, for images without a shell.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use kit_core::config::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns whether the process was started with the argument `healthcheck`.
pub fn is_requested() -> bool {
    std::env::args().nth(1).as_deref() == Some("healthcheck")
}

/// Checks the service at `GRPC_HEALTH_LISTEN`, else at `GRPC_LISTEN`.
///
/// # Errors
/// If the service is not healthy or does not respond.
pub async fn grpc() -> anyhow::Result<()> {
    let environment = Environment::load()?;
    let listen = environment.parse("GRPC_LISTEN", SocketAddr::from(([127, 0, 0, 1], 50051)));
    let address = loopback_if_unspecified(environment.parse_optional("GRPC_HEALTH_LISTEN").unwrap_or(listen));
    let check = async {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
        let response = HealthClient::new(channel).check(HealthCheckRequest::default()).await?;
        ensure!(response.get_ref().status() == ServingStatus::Serving, "the service is not serving");
        Ok(())
    };
    tokio::time::timeout(HEALTHCHECK_TIMEOUT, check).await.context("no response within the timeout")?
}

/// Checks the gateway at `SERVER_HOST` and `SERVER_PORT`.
/// With TLS it only checks that the gateway accepts connections.
///
/// # Errors
/// If the gateway is not healthy or does not respond.
pub async fn rest() -> anyhow::Result<()> {
    let environment = Environment::load()?;
    let address = crate::rest_address(&environment);
    let address = tokio::net::lookup_host(&address).await?.next().context("SERVER_HOST has no address")?;
    let uses_tls = environment.get("SERVER_TLS_CERT").is_some();
    let check = async {
        let mut stream = TcpStream::connect(loopback_if_unspecified(address)).await?;
        if uses_tls {
            return Ok(());
        }
        let request = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        ensure!(head.ends_with(b" 200"), "the gateway is not healthy");
        Ok(())
    };
    tokio::time::timeout(HEALTHCHECK_TIMEOUT, check).await.context("no response within the timeout")?
}

/// Replaces the address of a listener on all addresses by loopback.
fn loopback_if_unspecified(listen: SocketAddr) -> SocketAddr {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}
