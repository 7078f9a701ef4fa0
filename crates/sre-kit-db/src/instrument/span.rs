//! The span of a database operation.

use std::fmt;

use super::operation::Operation;

/// The name of a span: `SELECT item`, or `SELECT` if the table is unknown.
struct Title<'a>(&'a Operation);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Operation { name, collection }) = self;
        f.write_str(name)?;
        if collection.is_empty() { Ok(()) } else { write!(f, " {collection}") }
    }
}

/// A span of the semantic conventions for database clients.
///
/// It never contains the text of the statement, which may contain user input.
pub(super) struct Span(tracing::Span);

impl Span {
    /// Starts a span. With the feature `telemetry` it is disabled unless the trace is sampled.
    pub(super) fn start(operation: &Operation, common: &[String; 4]) -> Self {
        #[cfg(feature = "telemetry")]
        if !sre_kit_telemetry::TraceContext::current().is_some_and(|trace| trace.is_sampled()) {
            return Self(tracing::Span::none());
        }
        let [system, namespace, address, port] = common;
        let collection = operation.collection.as_str();
        // All fields are recorded at the start: each later `record` makes a JSON log layer parse
        // and format the fields of the span again.
        let span = tracing::info_span!(
            target: "sre_kit::db",
            "db",
            otel.name = %Title(operation),
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            db.system.name = system.as_str(),
            db.namespace = namespace.as_str(),
            db.operation.name = operation.name,
            db.collection.name = (!collection.is_empty()).then_some(collection),
            server.address = address.as_str(),
            server.port = port.parse::<u16>().ok(),
            error.r#type = tracing::field::Empty,
        );
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

#[cfg(all(test, feature = "telemetry"))]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    use super::{Operation, Span};
    use sre_kit_telemetry::{TraceContext, TraceExt};

    /// The fields that a span started with, and those recorded later.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<[BTreeMap<String, String>; 2]>>);

    struct Fields<'a>(&'a mut BTreeMap<String, String>);

    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.insert(field.name().to_owned(), format!("{value:?}").replace('"', ""));
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Seen {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            attributes.record(&mut Fields(&mut self.0.lock().expect("held")[0]));
        }
        fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
            values.record(&mut Fields(&mut self.0.lock().expect("held")[1]));
        }
    }

    fn seen(sql: &str, sampled: bool, error_type: &str) -> [Vec<(String, String)>; 2] {
        let seen = Seen::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        let common = ["postgresql", "shop", "db", "5432"].map(str::to_owned);
        tracing::subscriber::with_default(subscriber, || {
            let operation = async { Span::start(&Operation::of(sql), &common).end(error_type) };
            operation.in_trace(TraceContext::new(7, 7, sampled)).now_or_never().expect("at once");
        });
        let fields = std::mem::take(&mut *seen.0.lock().expect("held"));
        fields.map(|fields| fields.into_iter().collect())
    }

    fn fields<const N: usize>(fields: [(&str, &str); N]) -> Vec<(String, String)> {
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn a_span_starts_with_all_fields_and_records_only_errors_later() {
        let [first, later] = seen("SELECT x FROM item", true, "");
        let whole = fields([
            ("db.collection.name", "item"),
            ("db.namespace", "shop"),
            ("db.operation.name", "SELECT"),
            ("db.system.name", "postgresql"),
            ("otel.kind", "client"),
            ("otel.name", "SELECT item"),
            ("server.address", "db"),
            ("server.port", "5432"),
        ]);
        assert_eq!((first, later), (whole, Vec::new()));
        let [_, later] = seen("SELECT x FROM item", true, "42P01");
        assert_eq!(later, fields([("error.type", "42P01"), ("otel.status_code", "ERROR")]));
    }

    #[test]
    fn an_unknown_table_is_not_named() {
        let [first, _] = seen("SELECT 'a user typed this'", true, "");
        assert!(first.contains(&("otel.name".to_owned(), "SELECT".to_owned())), "{first:?}");
        assert!(first.iter().all(|(name, _)| name != "db.collection.name"), "{first:?}");
    }

    #[test]
    fn a_trace_that_is_not_sampled_has_no_span() {
        assert_eq!(seen("SELECT x FROM item", false, "42P01"), [Vec::new(), Vec::new()]);
    }
}
