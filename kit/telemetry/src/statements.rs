//! Metrics of database statements, from the events that sqlx emits for them.

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The target of these events.
const TARGET: &str = "sqlx::query";
/// The field with the seconds from sending a statement to its last row.
const FIELD: &str = "elapsed_secs";

struct StatementMetrics;

/// Measures each statement as `fintrac_statement_seconds`.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    StatementMetrics.with_filter(Targets::new().with_target(TARGET, Level::DEBUG))
}

impl<S: Subscriber> Layer<S> for StatementMetrics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        event.record(&mut ElapsedVisitor);
    }
}

struct ElapsedVisitor;

impl Visit for ElapsedVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == FIELD {
            metrics::histogram!("fintrac_statement_seconds").record(value);
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}
