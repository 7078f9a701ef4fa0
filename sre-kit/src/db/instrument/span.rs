//! The span of a database operation.

use super::operation::Operation;

/// A span by the semantic conventions for database clients, where somebody records it.
///
/// It never holds the statement: its text may hold what a user typed.
pub(super) struct Span(tracing::Span);

impl Span {
    /// A trace that is not sampled gets no span at all.
    pub(super) fn start(operation: &Operation, common: &[String; 4]) -> Self {
        #[cfg(feature = "telemetry")]
        if !crate::telemetry::TraceContext::current().is_some_and(|trace| trace.is_sampled()) {
            return Self(tracing::Span::none());
        }
        let [system, namespace, address, port] = common;
        let span = tracing::info_span!(
            target: "sre_kit::db",
            "db",
            otel.name = tracing::field::Empty,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            db.system.name = system.as_str(),
            db.namespace = namespace.as_str(),
            db.operation.name = operation.name,
            db.collection.name = tracing::field::Empty,
            server.address = address.as_str(),
            server.port = port.parse::<u16>().ok(),
            error.r#type = tracing::field::Empty,
        );
        if !span.is_disabled() {
            if operation.collection.is_empty() {
                span.record("otel.name", operation.name);
            } else {
                let collection = operation.collection.as_str();
                span.record("db.collection.name", collection);
                span.record("otel.name", format_args!("{} {collection}", operation.name));
            }
        }
        Self(span)
    }

    pub(super) fn around<F: Future>(&self, work: F) -> tracing::instrument::Instrumented<F> {
        tracing::Instrument::instrument(work, self.0.clone())
    }

    pub(super) fn end(self, error_type: &str) {
        if !error_type.is_empty() && !self.0.is_disabled() {
            self.0.record("error.type", error_type);
            self.0.record("otel.status_code", "ERROR");
        }
    }
}
