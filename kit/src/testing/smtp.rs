//! A mail server on loopback that does what the test says (RFC 5321), plain, by
//! STARTTLS or by TLS from the first byte, with a login or without.

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

use super::{Authority, Issued};

/// Name and password of the one who may send, where one is asked for.
pub const LOGIN: (&str, &str) = ("postmaster", "open sesame");

/// What the server answers when a message has been sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// 451: try again later.
    NotNow,
    /// 550: never.
    Never,
    /// 535: the credentials are wrong.
    Locked,
    /// Takes the message and hangs up without a word.
    HangUp,
    /// Takes the message and says nothing, for ever.
    Stall,
}

/// How the server keeps strangers out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    /// Open, but for addresses of ASCII only.
    Ascii,
    /// STARTTLS and a login before anything is taken.
    StartTls,
    /// TLS from the first byte, and a login.
    Tls,
}

fn is_open(door: Door) -> bool {
    matches!(door, Door::Open | Door::Ascii)
}

/// What a connection needs to know.
#[derive(Clone)]
struct Hall {
    door: Door,
    acceptor: Option<TlsAcceptor>,
    verdict: Arc<Mutex<Verdict>>,
    sender: mpsc::UnboundedSender<String>,
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// A running server.
#[derive(Debug)]
pub struct SmtpServer {
    pub address: SocketAddr,
    verdict: Arc<Mutex<Verdict>>,
    received: mpsc::UnboundedReceiver<String>,
    /// The certificate of the authority that signed the server's, PEM.
    pub authority: String,
}

impl SmtpServer {
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start() -> Self {
        Self::behind(Door::Open).await
    }

    /// One behind a door; its certificate is for `localhost`.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn behind(door: Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let verdict = Arc::new(Mutex::new(Verdict::Accept));
        let (sender, received) = mpsc::unbounded_channel();
        let (authority, acceptor) = certificates();
        let acceptor = (!is_open(door)).then_some(acceptor);
        let hall = Hall { door, acceptor, verdict: Arc::clone(&verdict), sender };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hall = hall.clone();
                tokio::spawn(async move {
                    // A client that goes away is its own business.
                    let _gone = admit(stream, &hall).await;
                });
            }
        });
        Self { address, verdict, received, authority }
    }

    /// From now on.
    pub fn answer(&self, verdict: Verdict) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The next message that was sent here, whatever the answer was.
    ///
    /// # Panics
    /// When none comes for half a minute.
    pub async fn next(&mut self) -> String {
        let message = tokio::time::timeout(std::time::Duration::from_secs(30), self.received.recv());
        message.await.expect("a message in time").expect("the server runs")
    }

    /// Whether a message waits that nobody looked at.
    pub fn has_more(&mut self) -> bool {
        !self.received.is_empty()
    }
}

/// An authority of its own, PEM, and the server's identity by it.
fn certificates() -> (String, TlsAcceptor) {
    let authority = Authority::new();
    let Issued { certificate, key } = authority.issue(&["localhost"]);
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

/// Leads a connection through the door.
async fn admit(stream: TcpStream, hall: &Hall) -> std::io::Result<()> {
    match (&hall.acceptor, hall.door) {
        (Some(acceptor), Door::Tls) => {
            let stream: Box<dyn Line> = Box::new(acceptor.accept(stream).await?);
            converse(BufReader::new(stream), hall, true).await
        }
        (Some(acceptor), Door::StartTls) => {
            let mut plain = BufReader::new(stream);
            plain.write_all(b"220 test\r\n").await?;
            let mut line = String::new();
            while !line.to_ascii_uppercase().starts_with("STARTTLS") {
                line.clear();
                if plain.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                let answer: &[u8] = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                    "EHLO" => b"250-test\r\n250 STARTTLS\r\n",
                    "STAR" => b"220 go on\r\n",
                    _ => b"530 in private only\r\n",
                };
                plain.write_all(answer).await?;
            }
            let stream: Box<dyn Line> = Box::new(acceptor.accept(plain.into_inner()).await?);
            converse(BufReader::new(stream), hall, false).await
        }
        _ => {
            let stream: Box<dyn Line> = Box::new(stream);
            converse(BufReader::new(stream), hall, true).await
        }
    }
}

async fn converse(mut stream: BufReader<Box<dyn Line>>, hall: &Hall, greets: bool) -> std::io::Result<()> {
    if greets {
        stream.write_all(b"220 test\r\n").await?;
    }
    let mut is_known = is_open(hall.door);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" if hall.door == Door::Open => {
                stream.write_all(b"250-test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n").await?;
            }
            "EHLO" | "HELO" if hall.door == Door::Ascii => {
                stream.write_all(b"250-test\r\n250 8BITMIME\r\n").await?;
            }
            "EHLO" => stream.write_all(b"250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n").await?,
            "AUTH" => {
                let sent = line.trim().rsplit(' ').next().unwrap_or_default();
                let expected = format!("\0{}\0{}", LOGIN.0, LOGIN.1);
                is_known = BASE64.decode(sent).is_ok_and(|sent| sent == expected.as_bytes());
                let answer: &[u8] = if is_known { b"235 welcome\r\n" } else { b"535 who are you\r\n" };
                stream.write_all(answer).await?;
            }
            "MAIL" if !is_known => stream.write_all(b"530 log in first\r\n").await?,
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let message = read_message(&mut stream).await?;
                let verdict = *hall.verdict.lock().unwrap_or_else(PoisonError::into_inner);
                let answer: &[u8] = match verdict {
                    Verdict::Accept => b"250 taken\r\n",
                    Verdict::NotNow => b"451 not now\r\n",
                    // As servers do, it quotes the address.
                    Verdict::Never => b"550 5.1.1 <ana@example.com>: never\r\n",
                    Verdict::Locked => b"535 who are you\r\n",
                    Verdict::HangUp => {
                        let _test_ended = hall.sender.send(message);
                        return Ok(());
                    }
                    Verdict::Stall => {
                        let _test_ended = hall.sender.send(message);
                        return std::future::pending().await;
                    }
                };
                stream.write_all(answer).await?;
                let _test_ended = hall.sender.send(message);
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => stream.write_all(b"250 fine\r\n").await?,
        }
    }
}

async fn read_message(stream: &mut BufReader<Box<dyn Line>>) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
