//! A mail server on loopback that does what the test says (RFC 5321, plain).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

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
}

/// A running server.
#[derive(Debug)]
pub struct SmtpServer {
    pub address: SocketAddr,
    verdict: Arc<Mutex<Verdict>>,
    received: mpsc::UnboundedReceiver<String>,
}

impl SmtpServer {
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let verdict = Arc::new(Mutex::new(Verdict::Accept));
        let (sender, received) = mpsc::unbounded_channel();
        let shared = Arc::clone(&verdict);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (verdict, sender) = (Arc::clone(&shared), sender.clone());
                tokio::spawn(async move {
                    // A client that goes away is its own business.
                    let _gone = converse(stream, &verdict, &sender).await;
                });
            }
        });
        Self { address, verdict, received }
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

async fn converse(
    stream: TcpStream,
    verdict: &Mutex<Verdict>,
    sender: &mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => stream.write_all(b"250-test\r\n250 8BITMIME\r\n").await?,
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let message = read_message(&mut stream).await?;
                let verdict = *verdict.lock().unwrap_or_else(PoisonError::into_inner);
                let answer: &[u8] = match verdict {
                    Verdict::Accept => b"250 taken\r\n",
                    Verdict::NotNow => b"451 not now\r\n",
                    // As servers do, it quotes the address.
                    Verdict::Never => b"550 5.1.1 <ana@example.com>: never\r\n",
                    Verdict::Locked => b"535 who are you\r\n",
                    Verdict::HangUp => {
                        let _test_ended = sender.send(message);
                        return Ok(());
                    }
                };
                stream.write_all(answer).await?;
                let _test_ended = sender.send(message);
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => stream.write_all(b"250 fine\r\n").await?,
        }
    }
}

async fn read_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
