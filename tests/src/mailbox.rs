//! Reads the emails that a system without an SMTP server wrote to files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mail_parser::MessageParser;

/// The delivery timeout; an email whose sender was killed waits for its lease.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub struct Mailbox(PathBuf);

/// A received email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub kind: String,
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Email {
    /// The token of the link.
    ///
    /// # Panics
    /// If there is none.
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("token=").expect("a link");
        rest.split_whitespace().next().expect("a token").to_owned()
    }

    /// The code of eight letters and digits.
    ///
    /// # Panics
    /// If there is none.
    pub fn code(&self) -> String {
        let is_code = |line: &&str| {
            line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        };
        self.text.lines().map(str::trim).find(is_code).expect("a code").to_owned()
    }
}

impl Mailbox {
    pub fn for_data_dir(data_dir: &Path) -> Self {
        Self(data_dir.join("emails"))
    }

    /// Reads all emails so far, oldest first.
    ///
    /// # Panics
    /// If a file is not an email.
    pub fn all(&self) -> Vec<Email> {
        let Ok(entries) = std::fs::read_dir(&self.0) else { return Vec::new() };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        paths.iter().map(|path| parse(&std::fs::read(path).expect("a file"))).collect()
    }

    /// Lists the subjects of the emails of `kind` to `to` so far.
    pub fn subjects(&self, kind: &str, to: &str) -> Vec<String> {
        let emails = self.all().into_iter().filter(|email| email.kind == kind && email.to == to);
        emails.map(|email| email.subject).collect()
    }

    /// Waits for the email of `kind` to `to`.
    ///
    /// # Panics
    /// If it does not arrive in time.
    pub async fn wait(&self, kind: &str, to: &str) -> Email {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let found = async {
            loop {
                tick.tick().await;
                if let Some(email) =
                    self.all().into_iter().rev().find(|email| email.kind == kind && email.to == to)
                {
                    return email;
                }
            }
        };
        tokio::time::timeout(DELIVERY_TIMEOUT, found)
            .await
            .unwrap_or_else(|_| panic!("no {kind} email to {to}"))
    }
}

fn parse(bytes: &[u8]) -> Email {
    let message = MessageParser::new().parse(bytes).expect("a message");
    let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default();
    Email {
        kind: message.header_raw("X-FinTrac-Kind").unwrap_or_default().trim().to_owned(),
        to: to.to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
    }
}
