//! Distributed traces: one request is one trace through all services.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fintrac_tests::system::{Layout, Settings, System};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use reqwest::Method;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::BINARY;
use crate::support::logged_in;

/// A span that the collector received.
#[derive(Debug, Clone)]
struct ExportedSpan {
    service: String,
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    statements: usize,
    text: String,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportedSpan>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().expect("no panic");
        for resource in request.into_inner().resource_spans {
            let service = format!("{:?}", resource.resource);
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let is_statement = |text: String| text.contains("db.statement") || text.contains("summary");
                let statements =
                    span.events.iter().filter(|event| is_statement(format!("{event:?}"))).count();
                received.push(ExportedSpan {
                    service: service.clone(),
                    name: span.name.clone(),
                    trace: span.trace_id.clone(),
                    id: span.span_id.clone(),
                    parent: span.parent_span_id.clone(),
                    statements,
                    text: format!("{span:?}"),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

pub async fn one_request_is_one_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let service = TraceServiceServer::new(collector.clone());
    tokio::spawn(async move {
        tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener))
            .await
    });
    let environment = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let settings = Settings { environment, ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let token = logged_in(&system, "traced@example.com").await.text("access_token");
    let request = system.client.request(Method::GET, "/api/v1/budgets/summary").bearer_auth(&token);
    let request = request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    assert_eq!(system.client.send(request).await.status, 200);
    // Remaining spans are exported at shutdown.
    system.terminate().await;

    let received = collector.0.lock().expect("no panic").clone();
    let trace = u128::from_str_radix(TRACE, 16).expect("hex").to_be_bytes();
    let of_request: Vec<_> = received.iter().filter(|span| span.trace == trace).collect();
    let of = |service: &str, name: &str| {
        let found = of_request
            .iter()
            .find(|item| item.service.contains(&format!("\"{service}\"")) && item.name == name);
        *found.unwrap_or_else(|| panic!("no {name} of {service} in {of_request:#?}"))
    };
    let http = of("gateway", "http");
    assert_eq!(http.parent, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "the client's span");
    let budget = of("budget", "rpc");
    assert_eq!(budget.parent, http.id, "the gateway's span");
    assert!(budget.statements > 0, "the span has statements: {budget:#?}");
    for span in &received {
        assert!(!span.text.contains(&token) && !span.text.contains("traced@example.com"), "{}", span.text);
    }
}

/// An unavailable collector does not delay requests.
pub async fn requests_do_not_wait_for_the_collector() {
    let environment = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9".to_owned())];
    let settings = Settings { environment, ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::OneProcess, settings).await;
    logged_in(&system, "untraced@example.com").await;
    let stopped = tokio::time::timeout(Duration::from_secs(30), system.terminate()).await;
    assert!(stopped.expect("it stops in time").iter().all(|code| *code == Some(0)), "it exits cleanly");
}
