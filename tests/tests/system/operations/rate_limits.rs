//! Rate limits of several gateways.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Settings, System, free_port};
use reqwest::Method;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::BINARY;
use crate::support::eventually;

async fn redis(port: u16, dir: &Path) -> Child {
    let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
    let child = Command::new("redis-server")
        .args(arguments)
        .arg(port.to_string())
        .current_dir(dir)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Redis starts");
    eventually("Redis responds", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    child
}

pub async fn rate_limits_are_shared_through_redis_and_local_without_it() {
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
