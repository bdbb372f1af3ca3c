//! Prometheus metrics.

use fintrac_tests::client::Client;
use fintrac_tests::system::{Layout, Settings, System, free_port};
use reqwest::Method;
use serde_json::json;

use crate::BINARY;
use crate::support::{TestUser, eventually};

pub async fn metrics_cover_requests_calls_statements_connections_and_jobs() {
    let address = format!("127.0.0.1:{}", free_port());
    let settings = Settings { environment: vec![("METRICS_LISTEN", address.clone())], ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::OneProcess, settings).await;
    let ana = TestUser::new(&system, "measured@example.com").await;
    let bank = ana.account(json!({"name": "Bank", "account_type": "bank"})).await;
    let lunch =
        json!({"account_id": bank, "type": "expense", "amount": "12.50", "description": "Secret lunch"});
    assert_eq!(ana.post("/api/v1/transactions", lunch).await.status, 201);
    let prometheus = Client::new(&format!("http://{address}"));
    let expected = [
        "fintrac_http_seconds_count{method=\"POST\",route=\"/api/v1/transactions\",status=\"201\"} 1",
        "fintrac_rpc_seconds_count{",
        "fintrac_ledger_batch_commands_count",
        "fintrac_statement_seconds_count ",
        "fintrac_pool_connections{service=\"ledger\",state=\"idle\"}",
        "fintrac_pool_limit{service=\"auth\"}",
        "fintrac_event_horizon_lag_seconds{service=\"budget\"}",
        "fintrac_job_running{service=\"notify\",job=\"monthly-reports\"}",
        "fintrac_panics_total 0",
        "fintrac_event_dead_letters_total{source=\"ledger\"} 0",
    ];
    let mut page = String::new();
    for line in expected {
        eventually(line, async || {
            page = prometheus.page(prometheus.request(Method::GET, "/metrics")).await.1;
            page.contains(line)
        })
        .await;
    }
    for secret in ["Secret lunch", "measured@example.com", bank.as_str()] {
        assert!(!page.contains(secret), "{secret}");
    }
    // A command does not bind the metrics port of the running system.
    assert!(system.run_command(&["jobs"]).await.contains("budget-check"));
    system.terminate().await;
}
