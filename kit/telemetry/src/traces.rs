//! Traces over OTLP.
//!
//! Each request at the gateway and each call in the service that responds to it is a span, with
//! statements as its events. The W3C trace context is sent in `traceparent`
//! (<https://www.w3.org/TR/trace-context/>).

use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use kit_core::config::Environment;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tonic::transport::{Certificate, ClientTlsConfig};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
/// The timeout of an export to the collector.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The collector that receives the traces.
#[derive(Debug, Clone)]
pub struct Collector {
    endpoint: String,
    tls: Option<ClientTlsConfig>,
}

impl Collector {
    /// Reads `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_CERTIFICATE`.
    /// The certificate (PEM) is the authority that is trusted with https instead of the public
    /// ones.
    pub fn from_environment(environment: &Environment) -> Option<Self> {
        let authority = environment.get("OTEL_EXPORTER_OTLP_CERTIFICATE");
        let endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")?.to_owned();
        let scheme = endpoint.parse::<Uri>().ok().and_then(|uri| uri.scheme_str().map(str::to_owned));
        let tls = match (scheme.as_deref(), authority.map(std::fs::read)) {
            (Some("http"), _) => None,
            (Some("https"), None) => {
                let public = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
                Some(ClientTlsConfig::new().trust_anchors(public))
            }
            (Some("https"), Some(Ok(pem))) => {
                Some(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
            }
            (Some("https"), Some(Err(error))) => {
                environment.add_problem(format!("OTEL_EXPORTER_OTLP_CERTIFICATE: cannot be read: {error}"));
                return None;
            }
            _ => {
                let text = "must be like http://host:4317, or https://host:4317 with TLS";
                environment.add_problem(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {text}"));
                return None;
            }
        };
        Some(Self { endpoint, tls })
    }
}

/// Creates a tracer that exports to `collector` in the name of `service`.
pub(super) fn tracer(collector: Collector, service: &str) -> anyhow::Result<SdkTracer> {
    let Collector { endpoint, tls } = collector;
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT);
    let exporter = match tls {
        Some(tls) => exporter.with_tls_config(tls),
        None => exporter,
    };
    let exporter = exporter.build()?;
    let resource = Resource::builder().with_service_name(service.to_owned()).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("fintrac");
    let _only_once = PROVIDER.set(provider);
    Ok(tracer)
}

/// Sends the remaining traces; nothing is recorded afterwards.
pub async fn flush() {
    let Some(provider) = PROVIDER.get().cloned() else { return };
    let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(EXPORT_TIMEOUT)).await;
    if let Ok(Err(error)) = sent {
        tracing::warn!(%error, "the last traces could not be sent");
    }
}

/// Makes `span` a child of the caller's span.
pub fn set_parent(span: &Span, headers: &HeaderMap) {
    if PROVIDER.get().is_some() {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        let _disabled = span.set_parent(parent);
    }
}

/// Adds the current span to the headers of an outgoing call.
pub fn inject(headers: &mut HeaderMap) {
    if PROVIDER.get().is_some() {
        let context = Span::current().context();
        TraceContextPropagator::new().inject_context(&context, &mut HeadersMut(headers));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::from_str(&value))
        {
            self.0.insert(name, value);
        }
    }
}
