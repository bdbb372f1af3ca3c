//! Tests commands that the database rejects and commits whose response is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

use crate::support::{Ledger, entry, error_reason};

#[tokio::test]
async fn a_failing_command_among_sixty_four_affects_no_other() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, brink) = (ana.account("Bank", "", "").await, ana.account("Brink", "", "").await);
    ana.post(pb::CreateTransactionRequest {
        transaction_date: Some("2026-01-01".into()),
        ..entry(&brink, "income", "1")
    })
    .await
    .expect("posted");
    // A daily total at its maximum, one cent below overflow: planning does not read
    // totals, so only the database can reject the command.
    ledger
        .execute(&format!(
            "update ledger.daily_totals set change = 9223372036854775807 where account_id = '{}'",
            brink.id
        ))
        .await;
    let valid = (0..64).map(|_| ana.post(entry(&bank, "income", "1")));
    let failing = pb::CreateTransactionRequest {
        transaction_date: Some("2026-01-01".into()),
        ..entry(&brink, "income", "1")
    };
    let (valid, rejected) = tokio::join!(join_all(valid), ana.post_with_key(failing.clone(), "k"));
    assert!(valid.iter().all(Result::is_ok));
    assert_eq!(error_reason(rejected), "BALANCE_OUT_OF_RANGE");
    assert_eq!(ana.balance(&bank.id).await, "64.00");
    ledger
        .execute(&format!("update ledger.daily_totals set change = 100 where account_id = '{}'", brink.id))
        .await;
    let (_, replayed) = ana.post_with_key(failing, "k").await.expect("the key is free");
    assert!(!replayed);
    ledger.verify().await;
}

/// A proxy between a ledger and PostgreSQL that cuts the next commit's connection.
///
/// It cuts before or after PostgreSQL receives the commit.
struct CommitFaultProxy(Arc<AtomicU8>);

const PASS_THROUGH: u8 = 0;
const BEFORE_COMMIT: u8 = 1;
const AFTER_COMMIT: u8 = 2;

impl CommitFaultProxy {
    /// Starts the proxy and returns the options to connect through it.
    async fn start(options: &PgConnectOptions) -> (Self, PgConnectOptions) {
        let socket = format!("{}/.s.PGSQL.5432", options.get_host());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mode = Arc::new(AtomicU8::new(PASS_THROUGH));
        let shared = Arc::clone(&mode);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("PostgreSQL accepts connections");
                tokio::spawn(proxy(client, server, Arc::clone(&shared)));
            }
        });
        let proxied = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(options.get_username())
            .database(options.get_database().expect("a database"))
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        (Self(mode), proxied)
    }

    fn next(&self, mode: u8) {
        self.0.store(mode, Ordering::SeqCst);
    }
}

async fn proxy(client: tokio::net::TcpStream, server: UnixStream, mode: Arc<AtomicU8>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if to_client.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        // A simple query message: tag, length, text.
        let is_commit = buffer[..length].ends_with(b"commit\0");
        let cut = if is_commit { mode.swap(PASS_THROUGH, Ordering::SeqCst) } else { PASS_THROUGH };
        if cut == BEFORE_COMMIT {
            break;
        }
        if cut == AFTER_COMMIT {
            // PostgreSQL's response is dropped.
            back.abort();
        }
        if to_server.write_all(&buffer[..length]).await.is_err() || cut == AFTER_COMMIT {
            break;
        }
    }
    back.abort();
}

#[tokio::test]
async fn a_lost_commit_response_is_resolved_both_ways() {
    let ledger = Ledger::start().await;
    let (cut, proxied) = CommitFaultProxy::start(&ledger.database.app("ledger")).await;
    let replica = ledger.replica_through(&proxied).await;
    let ana = replica.client_for(&ledger.user("EUR"));
    let bank = ana.account("Bank", "", "").await;
    for (round, mode) in [BEFORE_COMMIT, AFTER_COMMIT, AFTER_COMMIT, BEFORE_COMMIT].into_iter().enumerate() {
        cut.next(mode);
        let batch = (0..16).map(|number| {
            let (ana, bank, key) = (&ana, &bank, format!("{round}-{number}"));
            async move { ana.post_with_key(entry(bank, "income", "1"), &key).await }
        });
        let responses = join_all(batch).await;
        assert!(
            responses.iter().all(|result| result.as_ref().is_ok_and(|(_, replayed)| !replayed)),
            "{responses:?}"
        );
        assert_eq!(cut.0.load(Ordering::SeqCst), PASS_THROUGH, "the connection must be cut");
        let posted = i64::try_from((round + 1) * 16).expect("few");
        assert_eq!(ana.balance(&bank.id).await, format!("{posted}.00"), "each key must post once");
    }
    ledger.verify().await;
}
