//! The edge: connections, TLS, and how much of them a slow or greedy client
//! may take. What holds for single requests is in `layers/`.

mod places;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use fintrac_kit::serve::Stop;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use places::Places;

/// For the first request of a connection.
const FIRST: Duration = Duration::from_secs(15);
/// For each later one, idle time included: longer than proxies keep connections,
/// or they would send a request into one that is just closed.
const NEXT: Duration = Duration::from_secs(75);
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Beyond these hyper itself answers, without a body; `layers::size` is stricter.
const MOST_HEADERS: usize = 256;
const LARGEST_HEAD: usize = 128 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How often an HTTP/2 client is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// How often the certificate's files are read again.
const RENEWAL: Duration = Duration::from_mins(10);

/// The server's certificate and key, PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// Serves `app` on `listener` until the stop closes the listeners.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    places: Places,
    certificate: Option<Certificate>,
    stop: &Stop,
) -> io::Result<JoinHandle<()>> {
    let server = axum_server::from_tcp(listener.into_std()?)?.acceptor(places);
    let handle = Handle::new();
    let closing = stop.listeners.clone();
    let close = handle.clone();
    stop.spawn(async move {
        closing.cancelled().await;
        close.graceful_shutdown(None);
    });
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let served: JoinHandle<()> = match certificate {
        None => {
            let server = bounded(server).handle(handle);
            tokio::spawn(async move { report(server.serve(app).await) })
        }
        Some(certificate) => {
            let config = RustlsConfig::from_pem_file(&certificate.chain, &certificate.key).await?;
            let (renewed, ending) = (config.clone(), stop.workers.clone());
            stop.spawn(async move {
                let _ended = ending.run_until_cancelled(renew(renewed, certificate)).await;
            });
            let server = server
                .map(|places| RustlsAcceptor::new(config).handshake_timeout(HANDSHAKE).acceptor(places));
            let server = bounded(server).handle(handle);
            tokio::spawn(async move { report(server.serve(app).await) })
        }
    };
    Ok(served)
}

fn bounded<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let builder = server.http_builder();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(LARGEST_HEAD).unwrap_or(u32::MAX))
        .keep_alive_interval(PING);
    server.first_request_timeout(FIRST)
}

/// Follows a certificate that is renewed in place; a broken one changes nothing.
async fn renew(config: RustlsConfig, certificate: Certificate) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        if let Err(error) = config.reload_from_pem_file(&certificate.chain, &certificate.key).await {
            tracing::error!(%error, "SERVER_TLS_CERT or SERVER_TLS_KEY cannot be read; the one before stays");
        }
    }
}

fn report(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "REST server failed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::routing::get;
    use fintrac_kit::serve::Stop;
    use fintrac_kit::testing::Authority;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::{Certificate, Places, serve};

    async fn start(most: usize, certificate: Option<Certificate>) -> (std::net::SocketAddr, Stop) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("an address");
        let stop = Stop::default();
        let app = Router::new().route("/", get(async || "here"));
        serve(listener, app, Places::new(most, Vec::new()), certificate, &stop).await.expect("it serves");
        (address, stop)
    }

    /// All that comes back to one request; empty when the connection ends before.
    async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        let mut answer = vec![0; 4096];
        if stream.write_all(request).await.is_err() {
            return String::new();
        }
        let read = stream.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[tokio::test]
    async fn so_many_connections_and_no_more() {
        let (address, _stop) = start(1, None).await;
        let mut first = TcpStream::connect(address).await.expect("connected");
        assert!(ask(&mut first).await.ends_with("here"));
        let mut second = TcpStream::connect(address).await.expect("connected");
        assert_eq!(ask(&mut second).await, "", "sent away");
        assert!(ask(&mut first).await.ends_with("here"), "whoever was there stays");
        drop(first);
        let mut answer = String::new();
        while answer.is_empty() {
            let mut third = TcpStream::connect(address).await.expect("connected");
            answer = ask(&mut third).await;
        }
        assert!(answer.ends_with("here"), "a place is free again");
    }

    #[tokio::test]
    async fn tls_and_nothing_else_where_there_is_a_certificate() {
        let authority = Authority::new();
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
        assert!(ask(&mut private).await.ends_with("here"));
        let mut plain = TcpStream::connect(address).await.expect("connected");
        assert!(!ask(&mut plain).await.contains("here"));
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
