//! The layer of sre-kit.

use ::sre_kit::golden_signals::{GoldenSignals, RouteSource, Routes};
use ::sre_kit::metrics::{Registry, TextFormat};
use tower_layer::Layer;

use super::service::{Bare, boxed};
use super::{Group, Variant};
use crate::request::{TEMPLATES, Template};

pub(super) const RECORDS: &str = "started, outcome, in flight, duration to the end of the body, \
     time to headers, request and response bytes, protocol version; panics and aborts distinguished";

pub(super) fn variants() -> Vec<Variant> {
    let extension = RouteSource::from_fn(|head| {
        head.extensions.get::<Template>().map(|&Template(route)| route)
    });
    let table = Routes::new(TEMPLATES).expect("valid templates");
    vec![variant("sre-kit", extension), variant("sre-kit-table", table.into())]
}

/// Returns two variants: `sre-kit` reads the route from the same extension as the hand-written
/// peers, `sre-kit-table` matches the path.
fn variant(name: &'static str, source: RouteSource) -> Variant {
    let (signals, registry) = signals(source);
    Variant::new(name, Group::Bare, RECORDS, move |mix| boxed(signals.layer().layer(Bare), mix))
        .counted(move || text(&registry))
}

pub(crate) fn signals(source: RouteSource) -> (GoldenSignals, Registry) {
    let registry = Registry::new();
    let signals = GoldenSignals::builder().routes(source).build(&registry).expect("valid");
    (signals, registry)
}

pub(crate) fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}
