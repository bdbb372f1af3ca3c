//! The server: connections, TLS, and limits for slow or greedy clients.
//! Limits of single requests are in `layers/`.

mod connections;
mod problem_on_parse_error;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use kit_process::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::Certificate;
pub use connections::LimitConnections;
pub use problem_on_parse_error::ProblemOnParseError;

/// Timeout for the first request of a connection.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Timeout for each later request, including idle time.
/// It is longer than proxies keep connections, which would otherwise send a request into one that
/// is closing.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Timeout for the TLS handshake.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Beyond these limits hyper responds itself; `layers::request_limits` is stricter.
const MAX_HEADERS: usize = 256;
const MAX_HEAD_BYTES: usize = 128 * 1024;
/// Maximum number of concurrent requests on one HTTP/2 connection.
const MAX_CONCURRENT_STREAMS: u32 = 128;
/// Interval of HTTP/2 keep-alive pings.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
/// Interval at which the certificate's files are reloaded.
const CERTIFICATE_RELOAD_INTERVAL: Duration = Duration::from_mins(10);

/// Serves `app` on `listener` until the shutdown closes the listeners.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    accept: ProblemOnParseError<LimitConnections>,
    certificate: Option<Certificate>,
    shutdown: &Shutdown,
) -> io::Result<JoinHandle<()>> {
    let server = axum_server::from_tcp(listener.into_std()?)?.acceptor(accept);
    let handle = Handle::new();
    let closing = shutdown.listeners.clone();
    let close = handle.clone();
    shutdown.spawn(async move {
        closing.cancelled().await;
        close.graceful_shutdown(None);
    });
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let served: JoinHandle<()> = match certificate {
        None => {
            let server = with_limits(server).handle(handle);
            tokio::spawn(async move { log_failure(server.serve(app).await) })
        }
        Some(certificate) => {
            let config = RustlsConfig::from_pem_file(&certificate.chain, &certificate.key).await?;
            let (reloaded, ending) = (config.clone(), shutdown.workers.clone());
            shutdown.spawn(async move {
                let _ended = ending.run_until_cancelled(reload_certificate(reloaded, certificate)).await;
            });
            let tls = RustlsAcceptor::new(config).handshake_timeout(TLS_HANDSHAKE_TIMEOUT);
            let server = server.map(|accept| accept.map(|limited| tls.acceptor(limited)));
            let server = with_limits(server).handle(handle);
            tokio::spawn(async move { log_failure(server.serve(app).await) })
        }
    };
    Ok(served)
}

fn with_limits<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let builder = server.http_builder();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(HTTP2_PING_INTERVAL);
    server.first_request_timeout(FIRST_REQUEST_TIMEOUT)
}

/// Reloads a certificate that is renewed in place; an invalid one changes nothing.
async fn reload_certificate(config: RustlsConfig, certificate: Certificate) {
    loop {
        tokio::time::sleep(CERTIFICATE_RELOAD_INTERVAL).await;
        if let Err(error) = config.reload_from_pem_file(&certificate.chain, &certificate.key).await {
            tracing::error!(%error, "SERVER_TLS_CERT or SERVER_TLS_KEY unreadable; previous certificate kept");
        }
    }
}

fn log_failure(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "REST server failed");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::get;
    use kit_core::clock::Clock;
    use kit_core::random::Random;
    use kit_process::shutdown::Shutdown;
    use kit_rpc::connection_limit::ConnectionLimiter;
    use kit_testing::CertificateAuthority;
    use serde_json::json;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::{Certificate, LimitConnections, ProblemOnParseError, serve};

    async fn start(max_connections: usize, certificate: Option<Certificate>) -> (SocketAddr, Shutdown) {
        start_with(max_connections, Duration::from_mins(1), certificate).await
    }

    async fn start_with(
        max_connections: usize,
        idle: Duration,
        certificate: Option<Certificate>,
    ) -> (SocketAddr, Shutdown) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("an address");
        let shutdown = Shutdown::default();
        let app = Router::new().route("/", get(async |_: Bytes| "here"));
        // All test connections come from one address.
        let exempt = vec!["127.0.0.0/8".parse().expect("a network")];
        let limit = LimitConnections::new(ConnectionLimiter::new(max_connections, exempt), idle);
        let accept = ProblemOnParseError::new(limit, Clock::System, Random::System);
        serve(listener, app, accept, certificate, &shutdown).await.expect("the server starts");
        (address, shutdown)
    }

    /// Returns the response to one request; empty if the connection ends first.
    async fn send_request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        let mut response = vec![0; 4096];
        if stream.write_all(request).await.is_err() {
            return String::new();
        }
        let read = stream.read(&mut response).await.unwrap_or_default();
        String::from_utf8_lossy(&response[..read]).into_owned()
    }

    /// Returns everything received until the connection ends.
    async fn send(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("a response");
        response
    }

    #[tokio::test]
    async fn unparsable_requests_get_a_problem() {
        let (address, _stop) = start(10, None).await;
        let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000));
        let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(300));
        let after_another = "GET / HTTP/1.1\r\nhost: a\r\n\r\nnonsense\r\n\r\n";
        for (request, status, code) in [
            ("nonsense\r\n\r\n", 400, "MALFORMED_REQUEST"),
            ("GET / HTTP/1.1\r\nno name\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (after_another, 400, "MALFORMED_REQUEST"),
            (&long, 414, "URI_TOO_LONG"),
            (&many, 431, "HEADERS_TOO_LARGE"),
        ] {
            let response = send(address, request).await;
            let offset = response.rfind(&format!("HTTP/1.1 {status} ")).expect(&response);
            assert_eq!(response[..offset].ends_with("here"), request == after_another, "{response}");
            let (head, body) = response[offset..].split_once("\r\n\r\n").expect("a head");
            let header =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            assert_eq!(header("content-type"), Some("application/problem+json"));
            assert_eq!(header("content-length"), Some(&*body.len().to_string()));
            assert_eq!(
                (header("connection"), header("x-content-type-options")),
                (Some("close"), Some("nosniff"))
            );
            assert_eq!(header("date").map(str::len), Some(29));
            let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
            assert_eq!(problem["request_id"].as_str(), header("x-request-id"));
        }
    }

    #[tokio::test]
    async fn expect_continue_gets_100_continue() {
        let (address, _stop) = start(10, None).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let head = b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
        stream.write_all(head).await.expect("sent");
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).await.expect("a response");
        assert_eq!(interim.as_slice(), b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"{}").await.expect("sent");
        let mut response = vec![0; 4096];
        let read = stream.read(&mut response).await.expect("a response");
        assert!(response[..read].ends_with(b"here"), "{}", String::from_utf8_lossy(&response[..read]));
    }

    #[tokio::test]
    async fn connections_are_limited() {
        let (address, _stop) = start(1, None).await;
        let mut first = TcpStream::connect(address).await.expect("connected");
        assert!(send_request(&mut first).await.ends_with("here"));
        // A connection with an unfinished request keeps its permit.
        let head = b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
        first.write_all(head).await.expect("sent");
        let mut interim = [0; 25];
        first.read_exact(&mut interim).await.expect("a response");
        let mut second = TcpStream::connect(address).await.expect("connected");
        assert_eq!(send_request(&mut second).await, "", "the second connection is rejected");
        first.write_all(b"{}").await.expect("sent");
        let mut response = vec![0; 4096];
        let read = first.read(&mut response).await.expect("a response");
        assert!(response[..read].ends_with(b"here"));
        // Now it is idle and gives way.
        let mut response = String::new();
        while response.is_empty() {
            let mut third = TcpStream::connect(address).await.expect("connected");
            response = send_request(&mut third).await;
        }
        assert!(response.ends_with("here"), "the new connection is served");
        let read = first.read(&mut [0; 16]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "closed: {read:?}");
    }

    #[tokio::test]
    async fn keep_alive_pings_do_not_keep_a_connection_open() {
        let (address, _stop) = start_with(10, Duration::from_millis(200), None).await;
        let stream = TcpStream::connect(address).await.expect("connected");
        // Keep-alives continue forever; the connection ends all the same, however early.
        let alive = async {
            let Ok((_client, mut connection)) = h2::client::handshake(stream).await else { return };
            let mut pings = connection.ping_pong().expect("pings");
            let connection = tokio::spawn(connection);
            while pings.ping(h2::Ping::opaque()).await.is_ok() {}
            drop(connection.await);
        };
        tokio::time::timeout(Duration::from_mins(1), alive).await.expect("the connection is closed");
    }

    #[tokio::test]
    async fn only_tls_is_served_with_a_certificate() {
        let authority = CertificateAuthority::new();
        let issued = authority.issue(&["localhost"]);
        let dir = std::env::temp_dir().join(format!("fintrac-tls-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let certificate = Certificate { chain: dir.join("cert.pem"), key: dir.join("key.pem") };
        std::fs::write(&certificate.chain, issued.certificate).expect("written");
        std::fs::write(&certificate.key, issued.key).expect("written");
        let (address, _stop) = start(10, Some(certificate)).await;

        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("PEM")).expect("a root");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        let mut private = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
        assert!(send_request(&mut private).await.ends_with("here"));
        let mut plain = TcpStream::connect(address).await.expect("connected");
        assert!(!send_request(&mut plain).await.contains("here"));
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
