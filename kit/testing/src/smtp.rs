//! An SMTP server on loopback that responds as the test requires (RFC 5321).
//!
//! It is plain, uses STARTTLS, or uses TLS from the first byte, with or without a login.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateAuthority, IssuedCertificate};

/// User name and password that the server accepts if it requires a login.
pub const CREDENTIALS: (&str, &str) = ("postmaster", "open sesame");

/// The server's response to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpReply {
    /// 250: accepted.
    Accept,
    /// 451: a temporary failure.
    TransientFailure,
    /// 550: a permanent failure.
    PermanentFailure,
    /// 535: the credentials are wrong.
    AuthenticationFailed,
    /// Receives the message and disconnects without a response.
    Disconnect,
    /// Receives the message and never responds.
    Stall,
}

/// The encryption and authentication that the server requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// No encryption and no login.
    Plain,
    /// No encryption and no login, but only addresses in ASCII.
    PlainAscii,
    /// STARTTLS and a login before any message.
    StartTls,
    /// TLS from the first byte, and a login.
    Tls,
}

fn is_open(security: SmtpSecurity) -> bool {
    matches!(security, SmtpSecurity::Plain | SmtpSecurity::PlainAscii)
}

/// The state that a connection needs.
#[derive(Clone)]
struct SmtpSession {
    security: SmtpSecurity,
    acceptor: Option<TlsAcceptor>,
    reply: Arc<Mutex<SmtpReply>>,
    sender: mpsc::UnboundedSender<String>,
}

trait SmtpStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> SmtpStream for T {}

/// A running server.
#[derive(Debug)]
pub struct SmtpServer {
    /// Address that the server listens on.
    pub address: SocketAddr,
    reply: Arc<Mutex<SmtpReply>>,
    received: mpsc::UnboundedReceiver<String>,
    /// Certificate of the authority that signed the server's certificate, PEM.
    pub authority: String,
}

impl SmtpServer {
    /// Starts a server without encryption and login.
    ///
    /// # Panics
    /// If loopback is not available.
    pub async fn start() -> Self {
        Self::with_security(SmtpSecurity::Plain).await
    }

    /// Starts a server with the given security; its certificate is for `localhost`.
    ///
    /// # Panics
    /// If loopback is not available.
    pub async fn with_security(security: SmtpSecurity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let reply = Arc::new(Mutex::new(SmtpReply::Accept));
        let (sender, received) = mpsc::unbounded_channel();
        let (authority, acceptor) = certificates();
        let acceptor = (!is_open(security)).then_some(acceptor);
        let session = SmtpSession { security, acceptor, reply: Arc::clone(&reply), sender };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = session.clone();
                tokio::spawn(async move {
                    // A client that disconnects is not an error of the server.
                    let _gone = accept(stream, &session).await;
                });
            }
        });
        Self { address, reply, received, authority }
    }

    /// Sets the response to later messages.
    pub fn set_reply(&self, reply: SmtpReply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Waits for the next message that was sent here, whatever the response was.
    ///
    /// # Panics
    /// If no message arrives within half a minute.
    pub async fn next_message(&mut self) -> String {
        let message = tokio::time::timeout(std::time::Duration::from_secs(30), self.received.recv());
        message.await.expect("a message in time").expect("the server runs")
    }

    /// Returns whether there are messages that were not read.
    pub fn has_messages(&mut self) -> bool {
        !self.received.is_empty()
    }
}

/// Creates an authority (PEM), and the server's identity that it issues.
fn certificates() -> (String, TlsAcceptor) {
    let authority = CertificateAuthority::new();
    let IssuedCertificate { certificate, key } = authority.issue(&["localhost"]);
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("an identity");
    (authority.pem, TlsAcceptor::from(Arc::new(config)))
}

/// Secures a connection as required, and runs its session.
async fn accept(stream: TcpStream, session: &SmtpSession) -> std::io::Result<()> {
    match (&session.acceptor, session.security) {
        (Some(acceptor), SmtpSecurity::Tls) => {
            let stream: Box<dyn SmtpStream> = Box::new(acceptor.accept(stream).await?);
            run_session(BufReader::new(stream), session, true).await
        }
        (Some(acceptor), SmtpSecurity::StartTls) => {
            let mut plain = BufReader::new(stream);
            plain.write_all(b"220 test\r\n").await?;
            let mut line = String::new();
            while !line.to_ascii_uppercase().starts_with("STARTTLS") {
                line.clear();
                if plain.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                let response: &[u8] = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                    "EHLO" => b"250-test\r\n250 STARTTLS\r\n",
                    "STAR" => b"220 ready for TLS\r\n",
                    _ => b"530 STARTTLS required\r\n",
                };
                plain.write_all(response).await?;
            }
            let stream: Box<dyn SmtpStream> = Box::new(acceptor.accept(plain.into_inner()).await?);
            run_session(BufReader::new(stream), session, false).await
        }
        _ => {
            let stream: Box<dyn SmtpStream> = Box::new(stream);
            run_session(BufReader::new(stream), session, true).await
        }
    }
}

async fn run_session(
    mut stream: BufReader<Box<dyn SmtpStream>>,
    session: &SmtpSession,
    sends_greeting: bool,
) -> std::io::Result<()> {
    if sends_greeting {
        stream.write_all(b"220 test\r\n").await?;
    }
    let mut is_authenticated = is_open(session.security);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" if session.security == SmtpSecurity::Plain => {
                stream.write_all(b"250-test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n").await?;
            }
            "EHLO" | "HELO" if session.security == SmtpSecurity::PlainAscii => {
                stream.write_all(b"250-test\r\n250 8BITMIME\r\n").await?;
            }
            "EHLO" => stream.write_all(b"250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n").await?,
            "AUTH" => {
                let sent = line.trim().rsplit(' ').next().unwrap_or_default();
                let expected = format!("\0{}\0{}", CREDENTIALS.0, CREDENTIALS.1);
                is_authenticated = BASE64.decode(sent).is_ok_and(|sent| sent == expected.as_bytes());
                let response: &[u8] =
                    if is_authenticated { b"235 accepted\r\n" } else { b"535 credentials invalid\r\n" };
                stream.write_all(response).await?;
            }
            "MAIL" if !is_authenticated => stream.write_all(b"530 log in first\r\n").await?,
            "DATA" => {
                stream.write_all(b"354 send the message\r\n").await?;
                let message = read_message(&mut stream).await?;
                let reply = *session.reply.lock().unwrap_or_else(PoisonError::into_inner);
                let response: &[u8] = match reply {
                    SmtpReply::Accept => b"250 accepted\r\n",
                    SmtpReply::TransientFailure => b"451 try again later\r\n",
                    // Like real servers, it quotes the address.
                    SmtpReply::PermanentFailure => b"550 5.1.1 <ana@example.com>: user unknown\r\n",
                    SmtpReply::AuthenticationFailed => b"535 credentials invalid\r\n",
                    SmtpReply::Disconnect => {
                        let _test_ended = session.sender.send(message);
                        return Ok(());
                    }
                    SmtpReply::Stall => {
                        let _test_ended = session.sender.send(message);
                        return std::future::pending().await;
                    }
                };
                stream.write_all(response).await?;
                let _test_ended = session.sender.send(message);
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => stream.write_all(b"250 OK\r\n").await?,
        }
    }
}

async fn read_message(stream: &mut BufReader<Box<dyn SmtpStream>>) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
