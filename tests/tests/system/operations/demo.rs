//! `fintrac demo`.

use std::process::Stdio;
use std::time::Duration;

use fintrac_tests::client::Client;
use fintrac_tests::system::{Signal, coverage_variable, free_port, shared_tempdir, signal};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::BINARY;

pub async fn the_demo_has_a_year_of_transactions() {
    let folder = shared_tempdir();
    let port = free_port();
    let start = || {
        Command::new(BINARY)
            .arg("demo")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(coverage_variable())
            .env("FINTRAC_DEMO_DIR", folder.path())
            .env("FINTRAC_DATA_DIR", "/nowhere")
            .env("SMTP_URL", "smtp://unused.example")
            .env("SERVER_PORT", port.to_string())
            .env("GRPC_LISTEN", format!("127.0.0.1:{}", free_port()))
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts")
    };
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    // The second start keeps the data.
    for _ in 0..2 {
        let mut demo = start();
        let mut lines = BufReader::new(demo.stdout.take().expect("piped")).lines();
        let ready = async {
            loop {
                let line = lines.next_line().await.expect("output").expect("the demo keeps running");
                if let Some((_, password)) = line.split_once("with the password: ") {
                    return password.to_owned();
                }
            }
        };
        let password = tokio::time::timeout(Duration::from_mins(1), ready).await.expect("the demo is ready");
        let login = json!({"email": "demo@fintrac.example", "password": password});
        let login = client.post("/api/v1/auth/login", login).await;
        let token = login.text("access_token");
        let accounts = client.get_as(&token, "/api/v1/accounts").await;
        assert_eq!(accounts.body["data"].as_array().map(Vec::len), Some(3), "{accounts:?}");
        let year = client.get_as(&token, "/api/v1/transactions?page_size=200").await;
        assert_eq!(year.body["data"].as_array().map(Vec::len), Some(200));
        let budgets = client.get_as(&token, "/api/v1/budgets/summary").await;
        assert_eq!(budgets.body["budgets"].as_array().map(Vec::len), Some(2), "{budgets:?}");
        assert!(signal(Signal::TERM, demo.id().expect("it runs")), "it runs");
        assert!(demo.wait().await.expect("it ends").success());
    }
}
